"""Identity cards 身份证 and other identities of recipients, as they are posted, stored and searched for.

The number of an identity card is never stored or shown: a keyed digest and the last four characters stand for it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from domain.recipient import ID_CARD, PersonalId, Recipient, Registration

MONTH_AND_DAY = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
LIKE_ID_CARD = re.compile(
    f"[0-9]{{6}}(?:19|20)[0-9]{{2}}{MONTH_AND_DAY}[0-9]{{3}}[0-9Xx]"
    f"|(?<![0-9])[0-9]{{8}}{MONTH_AND_DAY}[0-9]{{3}}(?![0-9])"
)
"""Finds what may be the number of an identity card, right or mistyped, in a text of letters and digits only.

The second form is that of cards from before 1999, with 15 digits.
"""
SEPARATORS = str.maketrans("", "", " ./-")
"""Removes the characters that separate the groups of a registration number."""
REGISTRATION = re.compile("(?!CN)([A-Z]{2})/([A-Z][A-Z0-9]{0,9})/([0-9A-Z]{1,30})", re.ASCII)
PERSONAL = re.compile(f"{ID_CARD}:[0-9]{{3}}[0-9X]/[0-9a-f]{{32}}", re.ASCII)
"""Matches the identity of a person, as Recipient.identity gives it."""
CODE = re.compile("[0-9A-Z]{18}", re.ASCII)


def is_id_card(number: str) -> bool:
    """Whether the number has the check digit of GB 11643 and a date that exists. The county is not checked.

    Cards with codes of former counties are in use, and residence permits of other residents have codes of their own.
    """
    try:
        ric.get_birth_date(number)
    except ValidationError:
        return False
    return len(number) == 18 and ric.calc_check_digit(number) == number[-1]


def personal_id(secret: bytes, number: str) -> PersonalId:
    """The form in which the number of an identity card is stored: its last four characters and a digest.

    The digest is 128 bits of an HMAC whose key is `secret`. A small x at the end is a capital X.
    """
    whole = number.upper()
    digest = hmac.digest(secret, b"id_card:" + whole.encode(), hashlib.sha256).hex()[:32]
    return PersonalId(whole[-4:], digest)


def may_be_personal(text: str) -> bool:
    """Whether the text may contain the number of an identity card, in any writing.

    Full-width and other digits are digits, and whatever stands between them is left out. A valid social credit code
    does not contain one.
    """
    return bool(LIKE_ID_CARD.search(_letters_and_digits(text))) and not uscc.is_valid(text)


def _letters_and_digits(text: str) -> str:
    if text.isascii() and text.isalnum():
        return text
    plain = (str(unicodedata.decimal(each, each)) for each in unicodedata.normalize("NFKC", text))
    return "".join(each for each in plain if each.isalnum())


def identity_of(text: str) -> str:
    """The identity that a search is for: of a unit's code, a registration (HK/BR/12345678), or an identity itself.

    The identity of a person is that of Recipient.identity; /v1/identities gives it. Raises ValueError for anything
    else, in particular for the number of an identity card, which must not be part of a URL.
    """
    if PERSONAL.fullmatch(text):
        return text
    recipient = Recipient("", uscc=text)
    if found := REGISTRATION.fullmatch(text):
        recipient = Recipient("", registration=Registration(*found.groups()))
    elif not CODE.fullmatch(text) or may_be_personal(text):
        raise ValueError(
            "It must be a social credit code, a registration such as HK/BR/12345678, or the identity of a person from"
            " POST /v1/identities; never the number of an identity card, because URLs are logged."
            " 须为统一社会信用代码、HK/BR/12345678 形式的登记号，或 POST /v1/identities 给出的个人标识；"
            "网址会被记录，不得填写身份证号码。"
        )
    return str(recipient.identity)
