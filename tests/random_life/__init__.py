"""Random lives: random sequences of posts of every type, most of them plausible, some invalid on purpose.

A life decides its posts with the domain. Observers, such as the naive model or a service, see each post and outcome.
"""

from tests.random_life.base import PROJECTS, Observer, Outcome
from tests.random_life.life import RandomLife
from tests.random_life.proof import prove
from tests.random_life.script import replayable, script

__all__ = ["PROJECTS", "Observer", "Outcome", "RandomLife", "prove", "replayable", "script"]
