"""What a service that is away did not do is asked of it again until it does, and said each time."""

from collections.abc import Callable
from logging import WARNING, Logger

from tenacity import Retrying, before_sleep_log, retry_if_exception_type, wait_exponential

from streams.core.errors import Unavailable


def until_available(log: Logger, sleep: Callable[[float], None]) -> Retrying:
    """Calls what it is given until the service is there, after waits that grow to ten seconds.

    Args:
        log: is told of each wait.
        sleep: waits so many seconds.
    """
    return Retrying(
        retry=retry_if_exception_type(Unavailable),
        wait=wait_exponential(multiplier=0.2, max=10),
        before_sleep=before_sleep_log(log, WARNING),
        sleep=sleep,
    )
