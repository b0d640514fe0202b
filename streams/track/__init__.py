"""The tracker: fold, find, publish, recover."""
