"""The problem types of the API: status, title and remedy of each, in English and Chinese."""

from __future__ import annotations

from typing import NamedTuple


class ProblemType(NamedTuple):
    """A problem type: its HTTP status, its title, and how the client can resolve it."""

    status: int
    title: str
    title_zh: str
    remedy: str
    remedy_zh: str


RETRY = (
    "Send the same request again after the number of seconds in Retry-After.",
    "请在 Retry-After 所示秒数后原样重发。",
)
PROBLEM_TYPES = {
    "not-strict-json": ProblemType(
        400,
        "The body is not strict JSON.",
        "请求体不是严格的 JSON。",
        "Send UTF-8 JSON without duplicate names, NaN or deep nesting; `detail` says what is wrong and where.",
        "请发送 UTF-8 编码的 JSON，不得有重复键、NaN 或过深嵌套；detail 指出位置。",
    ),
    "bad-request": ProblemType(
        400,
        "The request cannot be understood.",
        "请求无法理解。",
        "Compare the request with the documentation at /docs.",
        "请对照 /docs 中的说明检查请求。",
    ),
    "bad-parameter": ProblemType(
        400,
        "A query parameter is invalid.",
        "查询参数有误。",
        "Add, correct or remove the parameter named in `parameter`, as `detail` says; send each parameter only once.",
        "请按 detail 补充、更正或去掉 parameter 所示的参数，每个参数只能出现一次。",
    ),
    "bad-header": ProblemType(
        400,
        "A request header is invalid.",
        "请求标头有误。",
        "Correct or remove the header named in `header`.",
        "请更正或去掉 header 所示的标头。",
    ),
    "no-key": ProblemType(
        401,
        "A valid API key or token is required as a Bearer credential.",
        "请以 Bearer 方式提供有效的 API 密钥或令牌。",
        "Send `Authorization: Bearer …` with the key that the operator of the ledger issued to you.",
        "请在 Authorization: Bearer 中使用账簿管理员发放的密钥。",
    ),
    "expired-key": ProblemType(
        401,
        "This key or token has expired or was revoked.",
        "此密钥或令牌已过期或已吊销。",
        "Request a new key from the operator of the ledger, or a new token from the identity provider.",
        "请向账簿管理员申请新密钥，或向身份提供方换取新令牌。",
    ),
    "wrong-scope": ProblemType(
        403,
        "This key does not have the required scope.",
        "此密钥无权进行该操作。",
        "Use a key with the scope named in `scope`, or request that scope from the operator of the ledger.",
        "请使用具有 scope 所示权限的密钥，或向账簿管理员申请。",
    ),
    "wrong-source": ProblemType(
        403,
        "This key may not post events for this source.",
        "此密钥不得代表该 source 提交。",
        "Use one of the `sources` that GET /v1/keys/self names; an operator adds one with `suyuan keys allow`.",
        "请使用 GET /v1/keys/self 所列的来源（sources）；运维人员可用 suyuan keys allow 增加。",
    ),
    "out-of-limits": ProblemType(
        403,
        "The request is outside the funds and projects that this key is limited to.",
        "超出此密钥所限的专项资金或项目。",
        "Name a fund or a project that your key covers, in the URL path or with `fund=` or `project=`.",
        "请在地址中或以 fund=、project= 指明密钥所限的专项资金或项目。",
    ),
    "not-found": ProblemType(
        404,
        "There is no such resource.",
        "没有此资源。",
        "Check the URL and the names in it; /docs lists all URLs.",
        "请检查地址及其中的名称；/docs 列有全部地址。",
    ),
    "no-such-post": ProblemType(
        404,
        "No post with this source and id is known as of this position.",
        "截至该位置，没有此 source 与 id 的提交。",
        "Send the event again with the same source and id: it is recorded only once, however often you send it.",
        "请以相同 source 与 id 重发：无论重发多少次都只入账一次。",
    ),
    "not-in-the-log": ProblemType(
        404,
        "The log has not reached this position yet.",
        "日志中尚无此位置。",
        "Use a position from an earlier response; `head` is the last position of the log. If this position was in a"
        " response, the ledger was restored from an older backup: send your posts again.",
        "请使用曾答复给您的位置；head 为日志末位。若确曾答复，说明账簿自较早的备份恢复，请重发您的提交。",
    ),
    "method-not-allowed": ProblemType(
        405,
        "This URL does not support this method.",
        "此地址不支持该方法。",
        "Use one of the methods listed in the Allow header.",
        "请使用 Allow 标头所列的方法。",
    ),
    "identity-conflict": ProblemType(
        409,
        "An event with this source and id, but with different content, was already posted.",
        "相同 source 与 id 已提交过不同内容。",
        "If this is a different fact, give it a new id; GET /v1/posts returns the earlier post.",
        "如为另一事实，请使用新的 id；可用 GET /v1/posts 查看先前的提交。",
    ),
    "ambiguous-name": ProblemType(
        409,
        "Several projects have an item of this name.",
        "多个项目中有此名称。",
        "Add `project=` with one of the projects listed in `projects`.",
        "请加上 project= 指明 projects 中的一个项目。",
    ),
    "length-required": ProblemType(
        411,
        "A Content-Length header is required; chunked bodies are not supported.",
        "请给出 Content-Length。",
        "Send a Content-Length header.",
        "请发送 Content-Length 标头。",
    ),
    "stale-version": ProblemType(
        412,
        "The stream is not at the expected version.",
        "该流的版本与预期不符。",
        "Read the stream again, check that your post is still correct, and send it with the new version.",
        "请重新读取该流，确认提交仍然成立后，以新版本号重发。",
    ),
    "too-large": ProblemType(
        413,
        "The body or the bundle is too large.",
        "请求体或事件组过大。",
        "Send fewer events per request; `limits` lists the limits.",
        "请减少每次提交的事件；limits 为上限。",
    ),
    "wrong-media-type": ProblemType(
        415,
        "This content type is not supported.",
        "不支持此内容类型。",
        "Use one of the content types listed in the Accept-Post header; JSON must be UTF-8.",
        "请使用 Accept-Post 标头所列的内容类型；JSON 须为 UTF-8 编码。",
    ),
    "invalid-body": ProblemType(
        422,
        "The body does not match the schema of this operation.",
        "请求体不符合此地址要求的格式。",
        "Correct the values that `errors` points to; the schema is in /openapi.json, linked from /docs.",
        "请更正 errors 所指之处；格式见 /docs。",
    ),
    "statement-wrong": ProblemType(
        422,
        "The file cannot be read as a bank or treasury statement.",
        "文件不能作为对账单读取。",
        "Correct the places listed in `errors`, or give the column headings with the `column_…` parameters.",
        "请按 errors 所示位置更正文件，或用 column_… 参数指定各列标题。",
    ),
    "invalid-event": ProblemType(
        422,
        "The event does not match the schema of its type.",
        "事件不符合其类型的格式。",
        "Correct the values that `errors` points to; GET /v1/event-types has the schema and an example of each type.",
        "请更正 errors 所指之处；GET /v1/event-types 有各类型的模式和示例。",
    ),
    "not-recorded": ProblemType(
        422,
        "Another event of the bundle was refused, so this event was not recorded.",
        "同组中有其他事件被拒绝，本事件未入账。",
        "Correct the refused event and send the bundle again, or send it with ?atomic=false.",
        "请更正被拒绝的事件后重发，或使用 ?atomic=false。",
    ),
    "refused": ProblemType(
        422,
        "The ledger refused the bundle.",
        "账簿拒绝此事件组。",
        "No event of the bundle was recorded: correct the refused events and send the bundle again.",
        "整组均未入账：请更正被拒绝的各项后重发。",
    ),
    "too-many-requests": ProblemType(429, "This key sends too many requests.", "此密钥请求过于频繁。", *RETRY),
    "too-much-at-once": ProblemType(
        429,
        "This key has too much work under way.",
        "此密钥正在处理的请求过多。",
        "Wait for the answers to earlier requests, and send fewer at a time.",
        "请等待先前的请求得到答复，并减少同时发送的请求。",
    ),
    "slow-request": ProblemType(
        408,
        "The body was not received in time.",
        "请求体未在时限内到达。",
        "Nothing was recorded. Send the same request again, or send smaller bundles.",
        "未入账。请原样重发，或减小事件组。",
    ),
    "headers-too-large": ProblemType(
        431,
        "The request headers are too large.",
        "请求标头过大。",
        "Send fewer or shorter headers.",
        "请减少或缩短标头。",
    ),
    "internal-error": ProblemType(
        500,
        "An internal error occurred.",
        "服务内部错误。",
        "It is unknown whether a post was recorded: send it again unchanged, it is recorded only once. If the error"
        " persists, tell the operator.",
        "是否入账未知：请原样重发，只会入账一次；如持续出现请告知管理员。",
    ),
    "unavailable": ProblemType(
        503,
        "The ledger is temporarily unavailable. Send the same request again.",
        "账簿暂时不可用，请稍后原样重发。",
        *RETRY,
    ),
    "newer-log": ProblemType(
        503,
        "The log has an event that this version of the service cannot read: it does not know the type, or a field.",
        "日志中有本版本无法读取的事件：其类型或字段本版本不认识。",
        "Tell the operator: the service must be upgraded to the version that recorded the event, or a newer one."
        " Nothing was recorded; send the request again after the upgrade.",
        "请告知管理员：须将服务升级到登记该事件的版本或更新的版本。未入账，升级后请原样重发。",
    ),
    "overloaded": ProblemType(503, "The service is overloaded.", "当前请求过多。", *RETRY),
    "not-yet": ProblemType(503, "The projections have not reached this position yet.", "投影尚未到达该位置。", *RETRY),
    "fund-held": ProblemType(
        503,
        "An event of this fund cannot be folded, so its balances and registers do not change.",
        "该专项资金有一个事件无法推算，其余额和台账已暂停更新。",
        "Tell the operator the `fund` and the `position`, and ask again when the fund is released. Posts to it, its"
        " events and `why` are answered as usual, and so is every other fund.",
        "请将 fund 和 position 告知管理员，恢复后再次查询。该资金的提交、事件查询和 why 以及其他专项资金照常。",
    ),
    "issuer-unavailable": ProblemType(503, "The token issuer cannot be reached.", "暂时无法连接令牌签发方。", *RETRY),
}
