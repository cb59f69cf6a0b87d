"""Money, compared with Decimal, which is exact for decimal amounts."""

import json
import pickle
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money

amounts = st.integers(-(10**17), 10**17).map(Money)
wire_amounts = st.integers(0, 10**17 - 1).map(Money)


def test_an_amount_is_read_in_yuan_and_held_in_fen():
    assert Money.parse("1020000.00") == 102_000_000
    assert Money.parse("0.01") == 1
    assert Money.parse("0.00") == 0
    assert Money.parse("999999999999999.99") == 10**17 - 1


@given(wire_amounts)
def test_writing_and_reading_do_not_change_an_amount(money):
    again = Money.parse(str(money))
    assert again == money
    assert type(again) is Money


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.",
        "1.0",
        "1.000",
        ".50",
        "01.00",
        "00.00",
        "-1.00",
        "+1.00",
        " 1.00",
        "1.00 ",
        "1.00\n",
        "1,000.00",
        "1_000.00",
        "1e3.00",
        "１.００",
        "1．00",
        "1.0٠",
        "².00",
        "¥1.00",
        "1.00元",
        "NaN",
        "1000000000000000.00",
    ],
)
def test_any_other_spelling_is_refused(text):
    with pytest.raises(ValueError, match="not an amount in yuan"):
        Money.parse(text)


@pytest.mark.parametrize("fen", [1.0, 0.1 + 0.2, Decimal(1), "100", "１００"])
def test_money_is_created_from_whole_fen_and_never_from_floats_or_text(fen):
    with pytest.raises(TypeError):
        Money(fen)


@given(amounts)
def test_an_amount_in_yuan_has_exactly_two_decimal_places(money):
    assert Decimal(str(money)) == Decimal(int(money)) / 100
    assert str(money)[-3] == "."


@pytest.mark.parametrize(
    ("fen", "yuan"),
    [(0, "0.00"), (5, "0.05"), (100, "1.00"), (102_000_000, "1020000.00"), (-1, "-0.01"), (-12_345, "-123.45")],
)
def test_every_way_to_print_an_amount_prints_yuan(fen, yuan):
    money = Money(fen)
    assert [str(money), f"{money}", f"{money}", f"{money}"] == [yuan] * 4
    assert repr(money) == f"Money({yuan})"
    assert f"{money:>12}" == yuan.rjust(12)


@pytest.mark.parametrize("spec", ["d", ",", ".2f", "x", "012d"])
def test_a_number_format_is_refused_because_it_would_print_fen(spec):
    with pytest.raises(ValueError, match=r"for object of type 'str'|with 's'"):
        format(Money(100), spec)


@pytest.mark.parametrize(
    ("fen", "wan"),
    [
        (0, "0"),
        (1, "0.000001"),
        (123_456, "0.123456"),
        (500_000, "0.5"),
        (102_000_000, "102"),
        (1_000_000_000, "1000"),
        (-1_500_000, "-1.5"),
    ],
)
def test_an_amount_in_wan_has_no_trailing_zeros(fen, wan):
    assert Money(fen).wan == wan


@given(amounts)
def test_an_amount_in_wan_is_exact(money):
    assert Decimal(money.wan) == Decimal(int(money)) / 1_000_000


@given(amounts, amounts)
def test_arithmetic_works_as_with_int(a, b):
    assert (a + b, a - b, a < b, a == b) == (int(a) + int(b), int(a) - int(b), int(a) < int(b), int(a) == int(b))
    assert type(a + b) is int
    assert type(sum([a, b])) is int


def test_an_amount_has_no_other_attributes_and_can_be_pickled():
    money = Money(5)
    with pytest.raises(AttributeError):
        money.currency = "CNY"  # type: ignore[attr-defined]
    assert repr(pickle.loads(pickle.dumps(money))) == "Money(0.05)"


def test_json_writes_an_amount_as_an_int_unless_it_is_converted_to_str():
    assert json.dumps([Money(5), str(Money(5))]) == '[5, "0.05"]'
