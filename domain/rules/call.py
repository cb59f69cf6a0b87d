"""Rules for calls, applications, reviews, public notices and objections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.rules.refused import PRACTICE, SEED, Refused, setting


@dataclass(eq=False)
class RoundUnderWay(Refused):
    """Round {round} is still under way."""

    zh = "第 {round} 轮征集尚未结束。"
    remedy = "Decide this round's award list, or post CallFailed; then publish the next call or close the project."
    remedy_zh = "先作出本轮立项决定或登记征集流标，再发布下一轮征集或办理项目结项。"
    round: int


@dataclass(eq=False)
class NoRoundUnderWay(Refused):
    """No round is under way."""

    zh = "当前没有进行中的征集。"
    remedy = (
        "Publish a call first, or start the notice of a list, with its entries; post applications, screenings and"
        " reviews before the round's award list is decided."
    )
    remedy_zh = "先发布征集，按名单立项的先登记载明各项的公示开始；申报、审查和评审须在该轮立项决定之前提交。"
    source = SEED


@dataclass(eq=False)
class SelectionMismatch(Refused):
    """The awards of project {project} are chosen by {selection}; this event belongs to the other way."""

    zh = "项目 {project} 的立项方式为 {selection}，本事件属于另一种方式。"
    remedy = (
        "For an open_call, post a call, its applications, screenings and a review. For a list, post NoticeStarted with"
        " its entries, then NoticeCompleted and the award list."
    )
    remedy_zh = (
        "公开征集（open_call）的，依次登记征集、申报、审查和评审；"
        "名单（list）的，登记载明各项的公示开始、公示结束和立项决定。"
    )
    project: str
    selection: str


@dataclass(eq=False)
class RoundOutOfTurn(Refused):
    """The expected round is {expected}, not {round}."""

    zh = "下一轮应为第 {expected} 轮，不是第 {round} 轮。"
    remedy = "Give the expected round: rounds count from 1 without a gap, and only the round under way can be closed."
    remedy_zh = "按应有轮次填写：轮次从 1 起连续编号，只能截止进行中的一轮。"
    round: int
    expected: int


@dataclass(eq=False)
class LineUsedUp(Refused):
    """All money planned for project {project} is allotted and awarded: another round could award nothing."""

    zh = "项目 {project} 的额度已全部立项，没有额度可供再次征集。"
    remedy = "Publish no further call for this project."
    remedy_zh = "该项目额度已用完，不再发布征集。"
    project: str


@dataclass(eq=False)
class CallIsClosed(Refused):
    """The call of round {round} is closed."""

    zh = "第 {round} 轮征集已截止。"
    remedy = "Close a call only once, and post its applications before closing it."
    remedy_zh = "征集只截止一次；申报须在登记截止之前提交。"
    round: int


@dataclass(eq=False)
class CallStillOpen(Refused):
    """The call of round {round} is not closed yet."""

    zh = "第 {round} 轮征集尚未截止。"
    remedy = "Post CallClosed after the last day of the application window, then the review."
    remedy_zh = "受理期满后先登记征集截止，再登记评审结论。"
    source = SEED
    round: int


@dataclass(eq=False)
class DeadlineNotPassed(Refused):
    """The last day of {what} is {last_day}; {occurred_on} is not after it."""

    zh = "{what} 的截止日为 {last_day}，{occurred_on} 尚在期限内。"
    remedy = "Wait until the last day is over, then post the event with a later date."
    remedy_zh = "待截止日过后，自次日起再提交。"
    what: str
    last_day: date
    occurred_on: date


@dataclass(eq=False)
class OutsideWindow(Refused):
    """The date {occurred_on} is outside the application window from {opens_on} to {closes_on}."""

    zh = "{occurred_on} 不在受理期 {opens_on} 至 {closes_on} 内。"
    remedy = (
        "Give the day on which the application was received. A late application belongs to a later round, or its"
        " lateness must be waived first (WaiverGranted)."
    )
    remedy_zh = "业务日期填实际受理日；逾期的，请申报单位参加以后轮次，或先经批准豁免（WaiverGranted）。"
    source = PRACTICE
    waivable = "application"
    improper = True
    occurred_on: date
    opens_on: date
    closes_on: date


@dataclass(eq=False)
class InvalidCode(Refused):
    """{uscc} is not a valid unified social credit code."""

    zh = "{uscc} 不是有效的统一社会信用代码。"
    remedy = "Check the 18 characters against the applicant's certificate; the last one is a check digit."
    remedy_zh = "对照营业执照或登记证书核对 18 位代码，末位为校验码。"
    uscc: str


@dataclass(eq=False)
class AlreadyApplied(Refused):
    """{uscc} may have no other live application in round {round} besides: {application}."""

    zh = "{uscc} 在第 {round} 轮已有有效申报 {application}，不得再申报。"
    remedy = (
        "Continue with the existing application, or have it withdrawn first. How many an applicant may have is a"
        " setting of the fund."
    )
    remedy_zh = "请沿用已有申报办理，或先撤回；一个单位每轮可有几份申报，由专项资金的规则参数确定。"
    source = setting("applications_per_recipient")
    uscc: str
    application: str
    round: int


@dataclass(eq=False)
class ApplicationNotLive(Refused):
    """The application {application} is not live: it is withdrawn, awarded, or from an earlier round."""

    zh = "申报 {application} 已失效：已撤回、已立项或属于以前轮次。"
    remedy = (
        "Screen only live applications of the round under way; withdraw only applications that are neither withdrawn"
        " nor awarded."
    )
    remedy_zh = "只审查本轮有效的申报；只撤回未撤回且未立项的申报。"
    application: str


@dataclass(eq=False)
class AlreadyReviewed(Refused):
    """Round {round} is already reviewed."""

    zh = "第 {round} 轮已完成评审。"
    remedy = "Correct a screening before the review is concluded."
    remedy_zh = "审查结果须在评审结束前更正。"
    round: int


@dataclass(eq=False)
class NotAllScreened(Refused):
    """These live applications are not screened yet: {applications}."""

    zh = "以下有效申报尚未审查：{applications}。"
    remedy = "Post the screening of each of these applications, then the review."
    remedy_zh = "先登记上述申报的审查结果，再登记评审结论。"
    source = SEED
    applications: str


@dataclass(eq=False)
class ScoresMismatch(Refused):
    """Score each application that passed screening and is not excluded; missing, extra or double: {applications}."""

    zh = "评分须恰好覆盖通过审查且未因异议成立被排除的申报，差异：{applications}。"
    remedy = (
        "Score once each live application of the round that passed screening, and no others; leave out those that an"
        " upheld objection has excluded. At least one must be left."
    )
    remedy_zh = (
        "对本轮通过审查的有效申报逐一评分，不多、不漏、不重；因异议成立被排除的申报不评分；至少须有一份可评分的申报。"
    )
    source = SEED
    applications: str


@dataclass(eq=False)
class NoticeRunning(Refused):
    """A public notice is running until {last_day}."""

    zh = "公示进行中，截止 {last_day}。"
    remedy = "Wait for the notice's last day and post NoticeCompleted; then post the new review or the next call."
    remedy_zh = "待公示期满并登记公示结束后，再登记新的评审结论或发布下一轮征集。"
    last_day: date


@dataclass(eq=False)
class NoReview(Refused):
    """No review of this round is in force."""

    zh = "本轮没有有效的评审结论。"
    remedy = "Close the call, screen its applications and post ReviewConcluded; then decide the award list."
    remedy_zh = "先截止征集、审查申报并登记评审结论，再作出立项决定。"
    source = SEED


@dataclass(eq=False)
class NotStanding(Refused):
    """The application {application} is not eligible: {lacks}."""

    zh = "申报 {application} 不具备立项资格：{lacks}。"
    remedy = "List only applications of the last round that passed screening, are scored and are not yet awarded."
    remedy_zh = "名单只列本轮通过审查、已评分且尚未立项的申报。"
    source = SEED
    application: str
    lacks: str


@dataclass(eq=False)
class NoticeTooShort(Refused):
    """The notice lasts {days} working days, fewer than the required {required}."""

    zh = "公示期 {days} 个工作日，少于规定的 {required} 个。"
    remedy = "Choose a later last day, so that the notice lasts as many working days as the fund's settings require."
    remedy_zh = "延后公示截止日，使工作日数达到规则参数的要求。"
    source = setting("notice_working_days")
    improper = True
    days: int
    required: int


@dataclass(eq=False)
class CalendarUnknown(Refused):
    """The working days from {first_day} to {last_day} are unknown: the ledger has no calendar of {year}."""

    zh = "{first_day} 至 {last_day} 的工作日未知：账簿中没有 {year} 年的放假安排。"
    remedy = (
        "Ask the operator to import the State Council's holiday notice of this year (suyuan calendar import FILE), then"
        " post again. Until the notice is published, only a notice that ends before this year is accepted."
    )
    remedy_zh = (
        "请系统管理员导入国务院办公厅关于该年节假日安排的通知（suyuan calendar import 文件），再重新提交；"
        "通知尚未印发的，公示须在该年之前期满。"
    )
    first_day: date
    last_day: date
    year: int


@dataclass(eq=False)
class NoNotice(Refused):
    """There is no public notice with the status {wanted}."""

    zh = "没有处于“{wanted}”状态的公示。"
    remedy = "Start a notice after the latest review, and complete it before deciding the award list."
    remedy_zh = "在最近一次评审后开始公示，并在立项决定前登记公示结束。"
    source = SEED
    improper = True
    wanted: str


@dataclass(eq=False)
class ObjectionOpen(Refused):
    """These objections are not resolved yet: {objections}."""

    zh = "以下异议尚未处理完毕：{objections}。"
    remedy = "Post ObjectionResolved for each of these objections first."
    remedy_zh = "先逐一登记异议处理结果。"
    source = PRACTICE
    improper = True
    objections: str


@dataclass(eq=False)
class ObjectionResolvedAlready(Refused):
    """The objection {objection} is already resolved."""

    zh = "异议 {objection} 已处理完毕。"
    remedy = "Resolve an objection only once; reverse the resolution if it was wrong."
    remedy_zh = "异议只处理一次；处理结果有误的，先冲销。"
    objection: str


@dataclass(eq=False)
class ObjectionTooLate(Refused):
    """The objection is too late: the award decision on its subject, {target}, is already made."""

    zh = "异议所指事项已作出立项决定：{target}。"
    remedy = (
        "If the objection is justified, have the award revoked or terminated; to object to another application of the"
        " notice, name it in `application`."
    )
    remedy_zh = "异议成立的，另行撤销或终止立项；对该公示中尚未立项的申报，可逐份提出异议。"
    source = PRACTICE
    target: str


@dataclass(eq=False)
class OutsideNotice(Refused):
    """The date {occurred_on} is outside the notice's days from {first_day} to {last_day}."""

    zh = "{occurred_on} 不在公示期 {first_day} 至 {last_day} 内。"
    remedy = "Give the day on which the objection was received; it must lie within the notice's days."
    remedy_zh = "业务日期填实际收到异议之日，须在公示期内。"
    source = PRACTICE
    occurred_on: date
    first_day: date
    last_day: date


@dataclass(eq=False)
class ObjectionUpheld(Refused):
    """An objection to the application {application} was upheld."""

    zh = "对申报 {application} 的异议成立。"
    remedy = "Do not pay the award: revoke or terminate it."
    remedy_zh = "不得支付：应撤销或终止该立项。"
    source = PRACTICE
    improper = True
    application: str


@dataclass(eq=False)
class NotAwarded(Refused):
    """The application {application} has no live award in this round; this fund's notices list awarded applications."""

    zh = "申报 {application} 在本轮没有有效立项；本专项资金先立项后公示。"
    remedy = "Decide the award list first, then list the awarded applications in the notice."
    remedy_zh = "先作出立项决定，再公示已立项的申报。"
    source = setting("notice_order")
    application: str


@dataclass(eq=False)
class DeadlineNotLater(Refused):
    """The new date {asked} is not later than the current last day of {what}, {last_day}."""

    zh = "{asked} 不晚于 {what} 现定的截止日 {last_day}。"
    remedy = "Give a later date."
    remedy_zh = "填写更晚的日期。"
    what: str
    last_day: date
    asked: date
