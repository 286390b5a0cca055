"""Signals end a command between two steps, the second one anywhere."""

import logging
import signal
import threading
import time

import pytest

from customer_profiles.collect import interruption
from customer_profiles.collect.interruption import Interrupted, Interruption


class Impatient:
    """A stream on which somebody, seeing a line, sends another signal before it is flushed."""

    def write(self, text):
        signal.raise_signal(signal.SIGINT)

    def flush(self):
        pass


def test_a_second_signal_ends_also_what_is_being_logged(caplog):
    handler = logging.StreamHandler(Impatient())
    interruption.logger.addHandler(handler)
    try:
        with caplog.at_level(logging.INFO), Interruption(), pytest.raises(Interrupted) as ended:
            signal.raise_signal(signal.SIGTERM)
    finally:
        interruption.logger.removeHandler(handler)
    assert ended.value.code == 130


def test_the_first_signal_waits_for_the_next_check():
    with Interruption() as interrupted:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Interrupted, match="stopped by SIGTERM"):
            interrupted.check()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_signal_that_does_not_reach_the_sleep_itself_ends_it_all_the_same():
    """As one does that comes between Python's last look at signals and the system's sleep."""

    def in_its_own_thread():
        time.sleep(0.2)
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    sender = threading.Thread(target=in_its_own_thread)
    with Interruption() as interrupted:
        sender.start()
        with pytest.raises(Interrupted, match="stopped by SIGTERM"):
            interrupted.sleep(30)
    sender.join()
