"""The tracker: fold, find, publish, recover; beside it the clock writer and the replay."""
