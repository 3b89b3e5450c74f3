"""Work that would hold up the screen, in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_daemon(work: Callable[[], T]) -> T:
    """What ``work`` returns, of a thread of its own that nobody waits for when the program ends.

    asyncio's own threads are waited for: a clipboard that hangs would keep ``q`` from ending it.

    Raises:
        OSError: ``work`` raised it.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def hand_over(finish: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the screen has ended
            loop.call_soon_threadsafe(lambda: done.done() or finish())

    def run() -> None:
        try:
            result = work()
        except OSError as error:
            failure = error
            hand_over(lambda: done.set_exception(failure))
        except RuntimeError:  # of the app, which has ended and takes no call
            hand_over(done.cancel)
        else:
            hand_over(lambda: done.set_result(result))

    threading.Thread(target=run, name="wsltop-ui", daemon=True).start()
    return await done
