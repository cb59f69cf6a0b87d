"""The kinds of problem: what each says, and what to do about it, in English and Chinese."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of problem: its status, what it says, and what to do about it."""

    status: int
    title: str
    title_zh: str
    remedy: str
    remedy_zh: str


AGAIN = ("Send the same request again after the seconds in Retry-After.", "请在 Retry-After 所示秒数后原样重发。")
KINDS = {
    "not-strict-json": Kind(
        400,
        "The body is not strict JSON.",
        "请求体不是严格的 JSON。",
        "Send UTF-8 JSON without duplicate names, NaN or deep nesting; `detail` says where it fails.",
        "请发送 UTF-8 编码的 JSON，不得有重复键、NaN 或过深嵌套；detail 指出位置。",
    ),
    "bad-request": Kind(
        400,
        "The request cannot be understood.",
        "请求无法理解。",
        "Compare the request with this service's documentation at /docs.",
        "请对照 /docs 中的说明检查请求。",
    ),
    "bad-parameter": Kind(
        400,
        "A query parameter is wrong.",
        "查询参数有误。",
        "Give, correct or leave out the parameter that `parameter` names, as `detail` says; each may stand once.",
        "请按 detail 补充、更正或去掉 parameter 所示的参数，每个参数只能出现一次。",
    ),
    "bad-header": Kind(
        400,
        "A header is wrong.",
        "请求标头有误。",
        "Correct or leave out the header that `header` names.",
        "请更正或去掉 header 所示的标头。",
    ),
    "no-key": Kind(
        401,
        "Send a valid API key or token as a bearer.",
        "请以 Bearer 方式提供有效的 API 密钥或令牌。",
        "Send `Authorization: Bearer …` with the key that the ledger's operator gave you.",
        "请在 Authorization: Bearer 中使用账簿管理员发放的密钥。",
    ),
    "expired-key": Kind(
        401,
        "This key or token has expired or was revoked.",
        "此密钥或令牌已过期或已吊销。",
        "Ask the ledger's operator for a new key, or the identity provider for a new token.",
        "请向账簿管理员申请新密钥，或向身份提供方换取新令牌。",
    ),
    "wrong-scope": Kind(
        403,
        "This key may not do that.",
        "此密钥无权进行该操作。",
        "Use a key that has the scope in `scope`, or ask the ledger's operator for it.",
        "请使用具有 scope 所示权限的密钥，或向账簿管理员申请。",
    ),
    "wrong-source": Kind(
        403,
        "This key may not speak for that source.",
        "此密钥不得代表该 source 提交。",
        "Use the `source` that your key is bound to.",
        "请使用与密钥绑定的 source。",
    ),
    "out-of-limits": Kind(
        403,
        "That lies outside the funds and projects of this key.",
        "超出此密钥所限的专项资金或项目。",
        "Name a fund or a project that your key is for, in the address or with `fund=` or `project=`.",
        "请在地址中或以 fund=、project= 指明密钥所限的专项资金或项目。",
    ),
    "not-found": Kind(
        404,
        "There is no such thing here.",
        "没有此资源。",
        "Check the address and the names in it; /docs lists every address.",
        "请检查地址及其中的名称；/docs 列有全部地址。",
    ),
    "no-such-post": Kind(
        404,
        "No post by this source and id has counted, as of this position.",
        "截至该位置，没有此 source 与 id 的提交。",
        "Send the event again with the same source and id: it is recorded once, however often you send it.",
        "请以相同 source 与 id 重发：无论重发多少次都只入账一次。",
    ),
    "not-in-the-log": Kind(
        404,
        "The log has no such position yet.",
        "日志中尚无此位置。",
        "Ask for a position that was answered to you; `head` is the log's last. If it was, the ledger was restored from"
        " an older backup: send your posts again.",
        "请使用曾答复给您的位置；head 为日志末位。若确曾答复，说明账簿自较早的备份恢复，请重发您的提交。",
    ),
    "method-not-allowed": Kind(
        405,
        "This address does not take that method.",
        "此地址不支持该方法。",
        "Use one of the methods in the Allow header.",
        "请使用 Allow 标头所列的方法。",
    ),
    "identity-conflict": Kind(
        409,
        "This source and id were already posted with other content.",
        "相同 source 与 id 已提交过不同内容。",
        "If it is another fact, give it an id of its own; look at the first one with GET /v1/posts.",
        "如为另一事实，请使用新的 id；可用 GET /v1/posts 查看先前的提交。",
    ),
    "ambiguous-name": Kind(
        409,
        "Several projects have one of this name.",
        "多个项目中有此名称。",
        "Add `project=` with one of the projects in `projects`.",
        "请加上 project= 指明 projects 中的一个项目。",
    ),
    "length-required": Kind(
        411,
        "Say the body's length: chunked bodies are not read.",
        "请给出 Content-Length。",
        "Send a Content-Length header.",
        "请发送 Content-Length 标头。",
    ),
    "stale-version": Kind(
        412,
        "The stream is not at the version you expect.",
        "该流的版本与预期不符。",
        "Read the stream again, see whether your post is still right, and send it with the new version.",
        "请重新读取该流，确认提交仍然成立后，以新版本号重发。",
    ),
    "too-large": Kind(
        413,
        "The body or the bundle is too large.",
        "请求体或事件组过大。",
        "Send fewer events at a time; `limits` says how much is read.",
        "请减少每次提交的事件；limits 为上限。",
    ),
    "wrong-media-type": Kind(
        415,
        "This content type is not read here.",
        "不支持此内容类型。",
        "Use one of the content types in the Accept-Post header; JSON in UTF-8.",
        "请使用 Accept-Post 标头所列的内容类型；JSON 须为 UTF-8 编码。",
    ),
    "invalid-body": Kind(
        422,
        "The body does not have the form that this address reads.",
        "请求体不符合此地址要求的格式。",
        "Correct what `errors` points at; /docs shows the form.",
        "请更正 errors 所指之处；格式见 /docs。",
    ),
    "statement-wrong": Kind(
        422,
        "The file cannot be read as a statement.",
        "文件不能作为对账单读取。",
        "Correct what `errors` name, or name the headings by the parameters column_….",
        "请按 errors 所示位置更正文件，或用 column_… 参数指定各列标题。",
    ),
    "invalid-event": Kind(
        422,
        "The event does not have the form of its type.",
        "事件不符合其类型的格式。",
        "Correct what `errors` points at; GET /v1/event-types has each type's schema and an example.",
        "请更正 errors 所指之处；GET /v1/event-types 有各类型的模式和示例。",
    ),
    "not-recorded": Kind(
        422,
        "Another event of the bundle was refused.",
        "同组中有其他事件被拒绝，本事件未入账。",
        "Correct the refused one and send the bundle again, or send it with ?atomic=false.",
        "请更正被拒绝的事件后重发，或使用 ?atomic=false。",
    ),
    "refused": Kind(
        422,
        "The ledger refuses the bundle.",
        "账簿拒绝此事件组。",
        "Nothing of it was recorded: correct the items that were refused and send the bundle again.",
        "整组均未入账：请更正被拒绝的各项后重发。",
    ),
    "too-many-requests": Kind(429, "This key asks too often.", "此密钥请求过于频繁。", *AGAIN),
    "slow-request": Kind(
        408,
        "The body did not arrive in time.",
        "请求体未在时限内到达。",
        "Nothing was recorded. Send the same request again, faster or in smaller bundles.",
        "未入账。请原样重发，或减小事件组。",
    ),
    "headers-too-large": Kind(
        431,
        "The headers are too large.",
        "请求标头过大。",
        "Send fewer or shorter headers.",
        "请减少或缩短标头。",
    ),
    "internal-error": Kind(
        500,
        "Something went wrong on our side.",
        "服务内部错误。",
        "Whether a post counted is not known: send the same one again, it counts once. Tell the operator if it stays.",
        "是否入账未知：请原样重发，只会入账一次；如持续出现请告知管理员。",
    ),
    "unavailable": Kind(
        503,
        "The ledger cannot be reached now. Send the same request again.",
        "账簿暂时不可用，请稍后原样重发。",
        *AGAIN,
    ),
    "overloaded": Kind(503, "Too much is under way at once.", "当前请求过多。", *AGAIN),
    "not-yet": Kind(503, "The projections have not reached that position yet.", "投影尚未到达该位置。", *AGAIN),
    "issuer-unavailable": Kind(503, "The tokens' issuer cannot be reached now.", "暂时无法连接令牌签发方。", *AGAIN),
}
