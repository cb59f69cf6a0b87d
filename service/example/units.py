"""Invented units, marked 示例, for examples with many recipients: each has its own name, credit code and account."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from stdnum.cn import uscc

from service.example.recipients import Recipient

STEMS, BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
KINDS = ("科技公司", "研究院", "制造公司", "检测中心", "创新中心", "软件公司", "材料公司", "装备公司")


def invent(place: str, region: int) -> Iterator[Recipient]:
    """The 960 units of an invented place: their applications and scores are still to be set.

    `place`: the beginning of their names. `region`: one digit of their codes and accounts. Both differ between
    examples, so that no unit is a recipient of two.
    """
    for number, (kind, stem, branch) in enumerate(product(KINDS, STEMS, BRANCHES), 1):
        code = f"91000000{region}{number:07d}X"
        yield Recipient(
            application="",
            name=f"示例{place}{stem}{branch}{kind}",
            uscc=code + uscc.calc_check_digit(code),
            account=f"62000{region}{number:012d}",
            score="",
        )
