"""A filled database for the browser."""

from tests.support.board import board_template, board_url

__all__ = ["board_template", "board_url"]
