"""The table of prompts, in the order in which they are listed."""

from taskhand.server.prompt import Prompt
from taskhand.server.prompts.daily_briefing import DAILY_BRIEFING
from taskhand.server.prompts.hand_over import HAND_OVER
from taskhand.server.prompts.overdue_sweep import OVERDUE_SWEEP

__all__ = ["PROMPTS"]

PROMPTS: tuple[Prompt, ...] = (DAILY_BRIEFING, OVERDUE_SWEEP, HAND_OVER)
