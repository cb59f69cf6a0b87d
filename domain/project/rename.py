"""The change of a recipient's name or identity 更名、合并, recorded on the recipient's application.

It can be recorded at any time, even years after the project was closed. Source: DOMAIN, "Other kinds of lines".
"""

from __future__ import annotations

from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Recorded, restores
from domain.normalise import normalized
from domain.project.call import not_before_receipt
from domain.project.lifecycle import ProjectFact
from domain.recipient import Recipient
from domain.rules.call import InvalidCode
from domain.rules.every_post import BeforeItsCause, UnknownName
from domain.rules.rename import NotRecipient, RecipientUnchanged
from domain.state.entities import Application
from domain.state.project import Project


class RecipientRenamed(ProjectFact, frozen=True):
    """The recipient `old` of an application is called `new` from now on, or was merged into `new`.

    The registers find the application, its award and its payments by both identities. This event does not change the
    payee of an award: money is paid to another name or account only after PayeeChanged. If an award list pays the
    recipient under the new identity, the person who posts the list must not be the person who posted this event. This
    event can be recorded after the project and the fund are closed.
    """

    zh = "单位更名"
    about_zh = (
        "申报单位或收款人更名、合并：台账按新旧名称、代码均可查到其申报、立项和支付。收款人不随之改变，须另行登记收款人变更。"
        "立项名单以更名后的身份为收款人的，由登记更名以外的人提交。项目、专项资金结项后仍可登记。"
    )
    allowed = Allowed.ALWAYS
    reversible = restores("application")
    cites = (("变更函", "登记通知书"),)
    refused_by = (UnknownName, BeforeItsCause, InvalidCode, NotRecipient, RecipientUnchanged)
    application: str
    old: Recipient
    new: Recipient


FACTS: tuple[type[Fact], ...] = (RecipientRenamed,)

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: RecipientRenamed, event: Recorded) -> Project:
    application, new = project.applications[fact.application], fact.new.identity
    is_new = new is not None and new != application.identities[-1]
    renamed, by = application.renamed, application.renamed_by
    if is_new and new is not None and fact.old.identity in application.identities:
        renamed, by = (*renamed, new), event.by
        project = replace(project, renamed=project.renamed | {fact.application})
    return project.step("application", fact.application, event.version, renamed=renamed, renamed_by=by)


# Decide ----------------------------------------------------------------------


def decide(context: Context, project: Project, fact: RecipientRenamed) -> Decision:
    application = project.application(fact.application)
    not_before_receipt(context, project, application)
    context.must_be_valid(fact.new)
    if fact.old.identity not in _identities(project, application):
        raise NotRecipient(application=fact.application, recipient=f"{fact.old.name} ({fact.old.code})")
    if fact.old.identity == fact.new.identity and normalized(fact.old.name) == normalized(fact.new.name):
        raise RecipientUnchanged(application=fact.application)
    return context.allow()


def _identities(project: Project, application: Application) -> tuple[str | None, ...]:
    """The identities of the applicant, and that of the payee of its award."""
    payee = (project.awards[application.award].payee.identity,) if application.award else ()
    return (*application.identities, *payee)
