"""The meaning of each field of a posted event, in Chinese and English. A field name means the same in every event."""

from __future__ import annotations

FIELDS = {
    "occurred_on": ("业务日期：事情发生的那一天", "The date on which it happened."),
    "booked_on": ("记账日期；不填则为允许的最早一天", "The accounting date; if omitted, the earliest date allowed."),
    "actor": ("经办人姓名", "The name of the person who did it."),
    "role": ("经办人职务", "The role of that person."),
    "documents": ("所引用的文件和凭证", "The documents and vouchers that the event cites."),
    "kind": (
        (
            "文件种类，如各事件所要求的；差异的类别；登记的种类，如 BR；备案事项：leader_changed 负责人变更，"
            "partner_changed 合作单位变更，agreement_changed 任务书变更，authority_changed 主管部门变更，"
            "evaluation 绩效评价，recusal 回避，other 其他"
        ),
        (
            "The kind of document, as the event type requires; in an exception, the kind of difference between "
            "statement and ledger; in a registration, the register, such as BR; of a note or finding, what it is "
            "about, such as `leader_changed`, `evaluation` or `payment`."
        ),
    ),
    "number": (
        "文号、凭证号；计划中为项目序号；栏目中为该栏的名称；对账单中为行号，从 1 起；登记号",
        (
            "The document or voucher number; in a plan, the number of the line; in headings, the heading of that"
            " column; in a statement, the line number, from 1; in a registration, its number."
        ),
    ),
    "title": (
        "标题；申报中为申报的项目名称；附表的标题，不填则附表直接列于计划标题之下",
        (
            "The title; in an application, the title of the project applied for; of an annex, its own title, without "
            "which it stands under the plan's title."
        ),
    ),
    "place": ("申报的项目地点", "The place of the project applied for."),
    "issuer": ("发文单位", "The issuing authority."),
    "date": ("成文日期", "The date of the document."),
    "sha256": ("文件本身的 SHA-256", "The SHA-256 digest of the document file."),
    "cleared_on": ("清算日期；不填则为业务日期", "The clearing date; if omitted, occurred_on."),
    "year": (
        "年度：凭证所属的（不填则为业务日期的年份）、退回通知书所述的、所结转的",
        (
            "The year: of a voucher (if omitted, the year of occurred_on), as stated in a return notice, or the year "
            "carried forward."
        ),
    ),
    "item": ("凭证分录号，默认 1", "The item number within the voucher; if omitted, 1."),
    "name": ("名称；栏目中为该栏的名称", "The name; in headings, the heading of that column."),
    "name_en": ("英文名称", "The name in English."),
    "settings": ("本专项资金的规则参数", "The settings of the fund."),
    "notice_working_days": (
        "公示最少工作日数（按国务院公布的放假调休安排）",
        "The minimum length of a public notice in working days, by the State Council's holiday calendar.",
    ),
    "approvals": (
        "支付须经的审批级次，依次；为空则支付在别处审批，此处只作登记",
        (
            "The approval levels that a payment needs, in order; if empty, payments are approved elsewhere and only "
            "recorded here."
        ),
    ),
    "acceptance_tries": ("验收最多次数", "The maximum number of acceptance attempts."),
    "notice_order": (
        "公示在立项决定之前（默认）还是之后",
        "Whether the public notice comes before the award decision (default) or after it.",
    ),
    "rectification_months": (
        "整改期限最长几个月；不填则不限",
        "The maximum length of a rectification in months; if omitted, no limit.",
    ),
    "years_to_spend": (
        "资金须在几个年度内用完，预算年度为第一年，默认 2",
        "The number of years in which the money must be spent, the budget year being the first; if omitted, 2.",
    ),
    "idle_days": (
        "分配后多少天分文未付即预警，默认 180",
        "An alert is raised after this many days without any payment out of allotted money; if omitted, 180.",
    ),
    "december_percent": (
        "12 月支付占全年百分之多少即预警，默认 30",
        "An alert is raised if December's payments reach this percentage of the year's payments; if omitted, 30.",
    ),
    "period_close_days": (
        "月末后几日内须结账；不填则不提示",
        ("The number of days after the end of a month within which it must be closed; if omitted, no alert is raised."),
    ),
    "max_appropriation": (
        "一笔指标至多多少元，默认 100 亿元",
        "The largest amount of one appropriation; if omitted, ten billion yuan.",
    ),
    "max_total": (
        "全部指标合计至多多少元，默认 1000 亿元",
        "The largest sum of all appropriations of the fund; if omitted, a hundred billion yuan.",
    ),
    "notice_binds_amounts": (
        "立项和支付不得超过公示金额，默认 true",
        "Whether no more may be awarded and paid than the public notice showed; if omitted, true.",
    ),
    "approvers_differ": (
        "各级审批须由不同的人办理，默认 true",
        "Whether each approval level must be approved by another person; if omitted, true.",
    ),
    "bank": (
        "本专项资金的开户银行；流水号未注明出具银行的，视为该银行的",
        "The fund's own bank: a bank reference whose slip is cited without its issuer is taken to be of this bank.",
    ),
    "extension_months": (
        "合同延期自最初约定的结束日起至多几个月；不填则不限",
        "How many months after the end first agreed an agreement may be extended to; if omitted, no limit.",
    ),
    "acceptance_months": (
        "合同到期后几个月内应通过验收；不填则不设期限",
        "In how many months after the end of its agreement an award's acceptance is due; if omitted, no due day.",
    ),
    "applications_per_recipient": (
        "一个单位每轮最多几份有效申报，默认 1",
        "How many live applications a recipient may have in one round; if omitted, 1.",
    ),
    "share": (
        "资金分配方式：decided 由会议决定，by_score 按得分；不填则不限",
        "How the line's money is shared: `decided` by the meeting, or `by_score`; if omitted, either.",
    ),
    "irregular": (
        "该事件违反而仍已发生的规则；须有 post:irregular 权限，由所接续事项经办人以外的人登记",
        "The rules that the event broke, though it has happened: needs the scope post:irregular and another person.",
    ),
    "found_by": (
        "如何发现：audit 审计，inspection 检查，self 自查",
        "How it was found: by an `audit`, an `inspection`, or the office itself (`self`).",
    ),
    "basis": ("依据的文件", "The document that says that it happened."),
    "hold": ("冻结的名称", "The name of the hold."),
    "authority": ("作出决定或提出问题的单位", "The authority that decided the hold, or made the finding."),
    "until": (
        "至何日：冻结应续期或解除之日；结息期末日",
        "The day by which a hold is to be renewed; the last day of interest.",
    ),
    "since": ("结息期首日", "The first day that the interest is for."),
    "repeats": ("被重复执行的那笔支付", "The payment that the bank executed twice."),
    "interest": (
        "孳息：追缴决定要求、随追缴到账或豁免的",
        "The interest that is ordered, has come or is waived besides the principal.",
    ),
    "finding": (
        "问题的名称；违规登记自动产生的为“规则-版本号”",
        "The name of the finding; one that an irregular event opened is named RULE-VERSION.",
    ),
    "text": ("内容", "What the note says, what was found, or how it was settled."),
    "how": (
        "销号方式：recovered 资金追回，regularised 补正，explained 说明",
        "How it was settled: `recovered`, `regularised` or `explained`.",
    ),
    "events": ("所涉及的事件", "The events that it is about."),
    "at_most": (
        "豁免的收款人最多可收的金额，支付时逐笔扣减；豁免超过公示金额的，为立项金额上限",
        "The most that the waiver's payee may receive, which payments use up; or that the award may have.",
    ),
    "amount": (
        "金额；申报中为申报金额；冲销时不填则为全部",
        (
            "The amount; in an application, the amount applied for; in a reversal, if omitted, all that is not reversed"
            " yet."
        ),
    ),
    "budget_year": ("预算年度", "The budget year."),
    "appropriation": (
        "指标的版本：提交 AppropriationReceived 时答复的 version；为所结转的指标，或只取用该指标的资金",
        (
            "An appropriation: the `version` returned for its AppropriationReceived event. It is the one that is "
            "carried forward, or the only one whose money is taken."
        ),
    ),
    "sources": (
        "资金来源；不填则全部资金同一来源",
        "The sources of the plan's money; if omitted, all money is of one source.",
    ),
    "source": ("资金来源的代码，如 中央", "The code of a source of money, such as 中央."),
    "funding_source": (
        "资金来源；指标不填则为计划的第一个来源，取用资金不填则不限来源、取编号最低者",
        (
            "The code of a source of the plan. If omitted in an appropriation, the plan's first source; if omitted "
            "where money is taken, any source, the lowest serials first."
        ),
    ),
    "period": ("会计期间，即月份，如 2019-03", "The accounting period: a month, such as 2019-03."),
    "total": (
        "合计，须等于各批次之和；栏目中为该栏的名称",
        "The total; it must equal the sum of the batches; in headings, the heading of that column.",
    ),
    "tasks": (
        "任务；项目所服务的任务代码；栏目中为该栏的名称",
        (
            "The tasks of the plan; in a line, the codes of the tasks that the project serves; in headings, the "
            "heading of that column."
        ),
    ),
    "code": ("任务代码，如 一", "The code of the task, such as 一."),
    "batches": ("批次", "The batches."),
    "batch": ("批次号", "The batch number."),
    "lines": (
        "计划中的全部项目；对账确认中为对账单行数，匹配与差异中为所含各行",
        (
            "All lines of the plan, one per project; in a reconciliation, the number of statement lines; in a match "
            "or an exception, the statement lines that belong to it."
        ),
    ),
    "project": ("项目代码，即其事件流 project/代码", "The project code, as in its stream project/CODE."),
    "from_project": ("调出项目代码", "The code of the project that the money is taken from."),
    "from_batch": ("调出批次号", "The number of the batch that the money is taken from."),
    "to_project": ("调入项目代码", "The code of the project that receives the money."),
    "to_batch": ("调入批次号", "The number of the batch that receives the money."),
    "annex": (
        "附表的印制：标题、栏目和金额单位；不填则同前一计划，没有前一计划的同通常的附表",
        (
            "How the plan prints its annex: title, headings and unit. If omitted, as the plan before; without one, with"
            " the usual headings, in 元."
        ),
    ),
    "label": ("计划的附件号，印在计划标题之上，如 附件1", "What stands above the plan's title, such as 附件1."),
    "caption": ("附表标题之上的文字，不填则为 附表", "What stands above the annex's title; if omitted, 附表."),
    "headings": (
        "附表的栏目名，不填的为通常的栏目名",
        "The headings of the annex's columns; those omitted are the usual ones.",
    ),
    "scheme": ("任务代码栏的名称，通常为 实施方案", "The heading of the tasks' codes, usually 实施方案."),
    "sum": ("合计行的名称，通常为 合计", "The name of the row of totals, usually 合计."),
    "number_raw": ("附表中的原序号", "The number as printed in the annex."),
    "name_annex": ("附表中的项目名称", "The project name as printed in the annex."),
    "award_rule": (
        "立项数规则：exact 恰好，max 至多",
        "How the number of awards is limited: `exact` for exactly that number, `max` for at most that number.",
    ),
    "awards": (
        "计划中为立项数；立项决定中为立项名单；栏目中为该栏的名称",
        (
            "In a plan line, the number of awards; in an award decision, the list of awards; in headings, the heading "
            "of that column."
        ),
    ),
    "fixed_total": (
        "总额是否固定：首次立项须用尽额度",
        "Whether the total is fixed: if true, the first award decision must use the whole amount of the line.",
    ),
    "gate": (
        "拨付条件：award 立项即可，agreement 签订合同后，acceptance 终期验收通过后；或该项目的一个检查点通过后",
        (
            "The condition for paying the batch: `award` (the award decision), `agreement` (the agreement is signed), "
            "`acceptance` (the last acceptance is passed), or the name of a checkpoint of the line."
        ),
    ),
    "checkpoints": (
        "检查点，按顺序，如 中期检查、终期验收；最后一个即 acceptance；不填则只有终期验收",
        (
            "The line's checkpoints in their order, such as `midterm` and `final`. The last one is the gate "
            "`acceptance`. If omitted, the line has only the final acceptance."
        ),
    ),
    "checkpoint": (
        "检查点，即第几次验收；不填则为最后一个（终期验收）",
        "The checkpoint that the event is about; if omitted, the last one of the line.",
    ),
    "conclusion": (
        "验收结论：excellent 优秀，good 良好，qualified 合格，basically_qualified 基本合格，other 其他",
        "The grade given by the acceptance: `excellent`, `good`, `qualified`, `basically_qualified` or `other`.",
    ),
    "corrects": (
        "所更正的备案的版本：提交该备案时答复的 version",
        "The note that this one corrects: the `version` returned for its NoteRecorded event.",
    ),
    "objective": ("项目主要任务和目标", "What the line's projects are to do and to reach."),
    "support": (
        "支持方式：advance 前补助，after 后补助，reward 奖励",
        "How the line supports its projects: `advance` (before the work), `after` (after it) or `reward`.",
    ),
    "selection": (
        "立项方式：open_call 公开征集（默认），list 按名单（奖励、事后奖补）",
        "How the awards are chosen: by `open_call` (the default), or from a `list`, as rewards are.",
    ),
    "goals": ("绩效目标", "The performance goals of the line."),
    "target": ("目标值，如 不少于 20", "What is to be reached, as text, such as 不少于 20."),
    "unit": (
        "绩效目标的计量单位，如 件；附表的金额单位，不填则为 元",
        "The unit of a goal's target, such as 件; of an annex, the unit of its amounts, 元 if omitted.",
    ),
    "actuals": ("绩效目标的实际完成情况", "What was reached of the line's performance goals."),
    "goal": ("绩效目标的名称，须为计划所列", "The name of a performance goal of the line."),
    "actual": ("实际完成值", "What was reached, as text."),
    "settled": (
        "核定金额：验收认可的金额，不移动资金",
        "The amount that the acceptance recognised; it moves no money.",
    ),
    "draft": (
        "所批准草案的版本：提交 PlanDrafted 时答复的 version",
        "The draft that is adopted: the `version` returned for its PlanDrafted event.",
    ),
    "fund": ("专项资金代码", "The fund code."),
    "round": ("征集轮次，从 1 起", "The number of the call round, from 1."),
    "opens_on": ("申报开始日", "The first day for applications."),
    "closes_on": (
        "申报截止日（含）；延期时为新的截止日",
        "The last day for applications (inclusive); in an extension, the new last day.",
    ),
    "application": (
        "申报编号，由发送方定，在项目内唯一；异议中不填则针对整个公示",
        (
            "The application identifier, chosen by the sender and unique within the project; in an objection, if "
            "omitted, the objection concerns the whole notice."
        ),
    ),
    "applicant": ("申报单位或个人", "The applicant."),
    "uscc": ("统一社会信用代码，含校验位", "The unified social credit code, with a valid check digit."),
    "id_card": (
        "自然人的身份证号码（入账后仅存末四位）",
        "A natural person's identity card number, of which only the last four characters are stored.",
    ),
    "registration": (
        "港澳台、境外单位的登记",
        "The registration of a unit that has no social credit code: of Hong Kong, Macao, Taiwan or abroad.",
    ),
    "country": ("国家或地区代码，如 HK", "The code of the country or region, such as HK (ISO 3166)."),
    "passed": ("是否通过", "Whether the application passed."),
    "reason": ("原因", "The reason."),
    "method": ("评审或分配方法", "The method of review or of allocation."),
    "scores": ("得分：通过审查的申报每份一个", "The scores: exactly one for each application that passed screening."),
    "score": (
        "得分；立项时须与评审一致（按名单立项的不填），验收时为百分制",
        (
            "The score; in an award decision, it must equal the score of the review, and is omitted for a list; of an"
            " acceptance, it is of 100."
        ),
    ),
    "applications": (
        "公示的申报（或先前公示已列的名单各项）及拟安排金额",
        "The applications in the notice, or the entries of an earlier notice, with their proposed amounts.",
    ),
    "recipient": ("拟奖励的单位或个人", "Who is to get the reward."),
    "rewarded_for": ("奖励事项", "What is rewarded."),
    "grounds": ("奖励依据", "Why it is rewarded."),
    "first_day": ("公示首日；对账单首日", "The first day of the notice or of the statement."),
    "last_day": ("公示末日（含）；对账单末日（含）", "The last day of the notice or of the statement (inclusive)."),
    "review": (
        "所依据评审的版本：提交 ReviewConcluded 时答复的 version；按名单立项的不填",
        (
            "The review that the decision is based on: the `version` returned for its ReviewConcluded event; omit it"
            " for a list."
        ),
    ),
    "notice": (
        "所依据公示的版本：提交 NoticeStarted 时答复的 version；先立项后公示的不填",
        (
            "The notice that the decision is based on: the `version` returned for its NoticeStarted event; omit it if"
            " notices follow the decision."
        ),
    ),
    "quantum": (
        "取整单位：按得分分配的金额须为其整数倍；规则参数中默认 0.01",
        "The rounding unit: amounts allocated by score must be multiples of it; in the settings, if omitted, 0.01.",
    ),
    "tie_order": ("同分时的顺序", "The order of applications with equal scores."),
    "shared_among": (
        "按得分测算时一并计入、分得为零而未列入名单的申报",
        (
            "Other applications that took part in the allocation by score, but were allocated nothing and are not in "
            "the list."
        ),
    ),
    "by_score": (
        "金额是否按得分分配；是则由账簿按最大余数法核对，默认否",
        (
            "Whether the amounts were allocated by score; if true, the ledger checks them by the largest-remainder "
            "method; if omitted, false."
        ),
    ),
    "objection": (
        "异议编号，由发送方定，在项目内唯一",
        "The objection identifier, chosen by the sender and unique within the project.",
    ),
    "upheld": (
        "异议是否成立：成立则该申报予以排除；针对整个公示的，评审和公示失效",
        (
            "Whether the objection is upheld. If upheld, the application is excluded; if the objection concerns the "
            "whole notice, the review and the notice become void."
        ),
    ),
    "award": ("立项编号，由发送方在立项决定中定", "The award identifier, chosen by the sender in the award decision."),
    "payee": ("收款人；对账单上为对方户名", "The payee; in a statement line, the name of the other party."),
    "account": (
        "收款人的银行账号（入账后仅存后四位）；上缴时为资金账户 pool 或 recovered",
        (
            "The payee's bank account number, of which only the last four digits are stored; in a surrender, the "
            "ledger account `pool` or `recovered`."
        ),
    ),
    "old": (
        "原收款人，须与立项现行的一致；更名时为原单位或个人",
        "The previous payee, which must equal the current payee of the award; in a rename, the recipient before it.",
    ),
    "new": ("新收款人；更名时为变更后的单位或个人", "The new payee; in a rename, the recipient after it."),
    "approver": ("批准人姓名，须非经办人", "The name of the person who approved the change; it must not be the actor."),
    "increase": (
        "true 从项目额度追加，false 将未付部分退回项目额度",
        (
            "true: the award is increased out of the project's line; false: the award is reduced, and an unpaid part "
            "returns to the line."
        ),
    ),
    "rank": ("名次", "The rank."),
    "amounts": ("各批次金额", "The amount of each batch."),
    "starts_on": (
        "合同开始日；申报中为计划开始日",
        "The first day of the agreement; in an application, the planned first day of the project.",
    ),
    "ends_on": (
        "合同结束日；延期时为新的结束日；申报中为计划结束日",
        (
            "The last day of the agreement; in an extension, the new last day; in an application, the planned last day"
            " of the project."
        ),
    ),
    "payment": (
        "支付编号，由发送方在支付申请中定，在项目内唯一",
        "The payment identifier, chosen by the sender in the payment request and unique within the project.",
    ),
    "level": (
        "审批级次，须为 approvals 中的下一级；资金来源则为其政府级次",
        "The approval level, the next one in `approvals`; of a source, the level of government that gives its money.",
    ),
    "passive": (
        "true 银行退票，false 收款人退款",
        "true: the bank could not deliver the payment; false: the payee returned it.",
    ),
    "due_on": (
        "期限：整改或追缴的；延期时为新的整改期限",
        "The due date of the rectification or the recovery; in an extension, the new due date of the rectification.",
    ),
    "recovery": (
        "追缴编号，由发送方在追缴决定中定，在项目内唯一",
        "The recovery identifier, chosen by the sender in the recovery order and unique within the project.",
    ),
    "rule": (
        "所豁免规则的名称，如拒绝答复中的 rule",
        "The name of the waived rule, as in the `rule` member of a refusal.",
    ),
    "version": (
        "所冲销事件在本事件流中的版本；对账中为账簿业务在其事件流中的版本",
        (
            "The version, in this stream, of the event to reverse; in a reconciliation, the version of a ledger entry"
            " in its stream."
        ),
    ),
    "reconcile_before_close": (
        "结账前是否须对账：true 则该月每一天须有已确认的对账单覆盖，默认 false",
        "Whether a period can be closed only if accepted statements cover each of its days; if omitted, false.",
    ),
    "file_sha256": ("对账单文件的 SHA-256", "The SHA-256 digest of the statement file."),
    "position": ("对账所截至的账簿位置", "The log position up to which the ledger was compared with the statement."),
    "received": ("对账单贷方（收入）合计", "The total of the statement's credit lines (money in)."),
    "paid_out": ("对账单借方（支出）合计", "The total of the statement's debit lines (money out)."),
    "matches": (
        "相符的各项：对账单行与账簿业务金额相等",
        "The matches: statement lines and ledger entries with equal amounts.",
    ),
    "exceptions": (
        "差异各项，须逐项说明",
        "The exceptions: differences between statement and ledger, each with an explanation.",
    ),
    "entries": (
        "账簿业务：事件流、版本、金额（减已冲销）；公示中为名单新列的各项",
        "The ledger entries: stream, version, and amount less reversals; in a notice, the new entries of a list.",
    ),
    "reasons": ("匹配依据", "The grounds of the match."),
    "confidence": ("匹配可信度，0 至 100", "The confidence of the match, from 0 to 100."),
    "explanation": ("差异原因说明", "The explanation of the difference."),
    "others": (
        "同一账户中不属于本资金的各行：笔数与合计",
        "The lines of the statement that are not of this fund, which shares the account: their number and sums.",
    ),
    "says": (
        "对账单自相矛盾之处：所载余额或合计与各行不符",
        "What the statement says that its own lines contradict: a balance or a total.",
    ),
    "on": ("对账单上的日期", "The date in the statement."),
    "direction": ("out 支出，in 收入", "`out` for money out, `in` for money in, as seen from the statement's account."),
    "reference": ("银行流水号", "The bank reference."),
    "voucher": ("支付凭证号", "The payment voucher number."),
    "stream": ("账簿业务所在的事件流", "The stream of the ledger entry."),
}
"""The meaning of each field of a posted event, in Chinese and in English."""

ACCOUNTS = {
    "treasury": (
        "国库（账外）：编号的唯一来源；冲销的指标，其编号不再使用",
        (
            "The treasury, outside the ledger: the only source of serial numbers; serial numbers of a reversed "
            "appropriation return here and are never used again."
        ),
    ),
    "pool": ("待分配资金", "The fund's money that is not allotted yet."),
    "line": ("项目额度：已分配、未立项", "Allotted to a batch of a project, but not awarded yet."),
    "committed": ("立项承诺：已立项，拨付条件未具备", "Awarded, but the gate of the batch is not open yet."),
    "payable": ("应付：拨付条件已具备", "Awarded, and the gate of the batch is open."),
    "in_approval": ("审批中：已提出支付申请", "Requested for payment, awaiting approval or the payment instruction."),
    "in_transit": ("在途：已发出支付指令", "Instructed for payment, awaiting the bank's confirmation."),
    "paid": ("已付：银行已确认", "Paid, as the bank has confirmed."),
    "recovered": (
        "已追回：追缴到账或退回专项资金，待恢复指标或上缴",
        "Recovered from or returned by a payee to the fund, awaiting reinstatement or surrender.",
    ),
    "surrendered": ("已上缴", "Surrendered to the treasury."),
}
"""The meaning of each account that holds money, in Chinese and in English."""
