"""/v1/identities: the identity by which the registers find a natural person. It records and logs nothing."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request
from marshmallow import ValidationError
from marshmallow.experimental.context import Context

from domain.recipient import Recipient
from service.api import response_types
from service.api.http import strict_json
from service.api.http.limits import BINARY
from service.api.http.operation import operation
from service.api.http.problems import Problem
from service.api.http.responses import answer
from service.api.posting.fields import IdCard
from service.api.posting.shapes import Shape

bp = Blueprint("identities", __name__, url_prefix="/v1/identities")


class PersonShape(Shape):
    """The request body: the number of an identity card. It is in the body because URLs are logged on their way."""

    makes = dict
    id_card = IdCard(required=True)


REQUEST_BODY = PersonShape()


@bp.post("")
@operation(
    "Get the identity of a natural person for the registers' filter `recipient`",
    "按身份证号码取得台账筛选用的个人标识",
    response_types.PersonalIdentity,
    request=REQUEST_BODY,
)
def identity() -> Response:
    if request.mimetype != BINARY:
        raise Problem("wrong-media-type", {"Accept-Post": BINARY})
    body = strict_json.parse(request.get_data())
    if not isinstance(body, dict):
        raise ValidationError(["It must be an object. 须为对象。"])
    with Context(current_app.config["SECRET"]):
        person = REQUEST_BODY.load(body)["id_card"]
    return answer({"recipient": Recipient("", id_card=person).identity, "id_last4": person.last4})
