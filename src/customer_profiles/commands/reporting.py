"""The frame of every subcommand: logging, and errors as one line."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import typer

logger = logging.getLogger(__name__)

# A plain terminal's text: no boxes, no colours, no traceback of Rich's.
PLAIN = {"rich_markup_mode": None, "no_args_is_help": True, "add_completion": False}


@contextmanager
def reporting(*errors: type[Exception], code: int = 1, **options) -> Iterator[None]:
    """Log by `options` (logging.basicConfig); exit with `code` after an error that can be mended.

    Such errors are ValueError, OSError, those of X and the database, and `errors`: each is logged
    as one line. Any other error shows a traceback.
    """
    logging.basicConfig(**{"level": logging.INFO, "format": "%(message)s"} | options)
    try:
        yield
    except typer.Exit:  # a RuntimeError to Python
        raise
    except Exception as error:
        if not isinstance(error, (*errors, ValueError, OSError, *_raised_by_services())):
            raise
        logger.error("error: %s", error.args[0] if isinstance(error, KeyError) else error)
        raise typer.Exit(code) from None


def _raised_by_services() -> tuple[type[Exception], ...]:
    # Only when something went wrong: importing their drivers would slow every `--help`.
    from customer_profiles.collect.x_api.errors import XError
    from customer_profiles.store.errors import StoreError

    return StoreError, XError
