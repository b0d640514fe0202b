"""What SIGTERM and Ctrl-C ask of a command that goes on until it is told to end."""

import signal
import threading


def stop_at_signal() -> threading.Event:
    """What SIGTERM and SIGINT set; a second one ends the process at once, which loses nothing."""
    stop = threading.Event()

    def told(number: int, _frame: object) -> None:
        threading.Thread(target=stop.set).start()  # not here: the interrupted thread may hold the event's lock
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)
    return stop
