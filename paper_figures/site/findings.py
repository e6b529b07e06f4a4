"""What the front page tells first: three findings with their pictures, and the usual questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from paper_figures.site.claim_view import ClaimView
from paper_figures.site.figures_on_disk import DrawnFigure, DrawnTable, UndrawnFigure
from paper_figures.site.sketch import counterexample_svg

__all__ = ["Asked", "Finding", "Findings", "choose_findings", "usual_questions"]

TOLD = 3
HEADLINES = (
    ("REC-C1", "recovery"),
    ("COL-7.3.2b", "staleness"),
    ("CMP-5.3-BETTER", "comparison"),
)
"""The paper's three promises (groups are found, no task waits long, scheduling helps), each with
the figure that measures it. One that the ledger does not call false or conditional is not told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A false or conditional claim of a paper with its picture, if there is one."""

    view: ClaimView
    figure: DrawnFigure | None
    drawing: Markup | None


@dataclass(frozen=True, slots=True)
class Findings:
    """The told ones, and how many there are in all: of the papers, and of our own."""

    told: tuple[Finding, ...]
    of_papers: int
    ours: int


@dataclass(frozen=True, slots=True)
class _Question:
    """A reader's question; ``answers`` name figures whose answers belong to it.

    Of a figure named without a question the first answer is taken. ``leads`` say in a word what a
    verdict of the first claim means for the question; another verdict says nothing.
    """

    text: str
    claims: tuple[str, ...]
    answers: tuple[tuple[str, str | None], ...]
    leads: tuple[tuple[str, str], ...] = ()


QUESTIONS = (
    _Question(
        "Is the recovery theorem right?",
        ("REC-C1", "REC-T4", "REC-T3", "REC-T34-R"),
        (("recovery", "Does the paper's budget hold, with which constant?"),
         ("recovery", "How many effective samples does recovery take?")),
        (("REFUTED", "Not as printed: its budget leaves the dimension d out. With d in it, it is: "
                     "the repaired statement below."),
         ("CONDITIONAL", "Only with an assumption that the paper does not state: {qualifier}."),
         ("PROVED", "Yes.")),
    ),
    _Question(
        "When does scheduling help?",
        ("CMP-5.3-BETTER", "CMP-DROP-R", "EXT-8"),
        (("comparison", "Does scheduling beat one aggregated step?"),
         ("comparison", "Does more conflict make scheduling win?")),
        (("REFUTED", "Not whenever gradients oppose: the sign of a second-order term decides, in "
                     "which curvature couples the classes."),
         ("PROVED", "Whenever the groups' gradients oppose.")),
    ),
    _Question(
        "Can a task starve?",
        ("COL-7.3.2b", "COL-7.3.2b-R", "COL-P8-RUN-R"),
        (("staleness", "Can a task starve?"),),
        (("REFUTED", "Yes."), ("CONDITIONAL", "Yes, unless {qualifier}."), ("PROVED", "No.")),
    ),
    _Question(
        "Which colouring heuristic should I use?",
        ("COL-P9", "EXT-6", "EXT-6-CROWN"),
        (("heuristics", "Which colouring heuristic gives the shortest schedules?"),
         ("heuristics", "How far can Welsh-Powell be from the least number of colours?")),
    ),
    _Question(
        "How does it train on real data, against other methods?",
        (),
        (("table1", None), ("table1_work", None)),
    ),
    _Question("Which tasks should share a model?", (), (("grouping_errors", None), ("ptg", None))),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what this report has to say to it."""

    text: str
    lead: str
    claims: tuple[ClaimView, ...]
    answers: tuple[tuple[DrawnFigure | DrawnTable, str], ...]
    missing: tuple[UndrawnFigure, ...]


def choose_findings(views: Sequence[ClaimView], drawn: Sequence[DrawnFigure]) -> Findings:
    """Choose what to tell in full: the headlines, then whatever the ledger speaks of most."""
    false = [view for view in views if view.matters]
    papers = [view for view in false if not view.is_ours]
    by_id = {view.claim["id"]: view for view in papers}
    figures = {figure.name: figure for figure in drawn}
    told = [
        _finding(by_id[claim], figures.get(name)) for claim, name in HEADLINES if claim in by_id
    ]
    shown = {finding.view.claim["id"] for finding in told}
    others = sorted(
        (view for view in papers if view.claim["id"] not in shown),
        key=lambda view: (-view.mentions, view.look.kind != "REFUTED"),
    )
    told += [
        _finding(view, view.figures[0] if view.figures else None)
        for view in others[: TOLD - len(told)]
    ]
    return Findings(tuple(told), len(papers), len(false) - len(papers))


def _finding(view: ClaimView, figure: DrawnFigure | None) -> Finding:
    counterexample = view.claim["counterexample"]
    data = None if counterexample is None else counterexample.get("data")
    drawing = counterexample_svg(data) if figure is None and data is not None else None
    return Finding(view, figure, drawing)


def usual_questions(
    views: Mapping[str, ClaimView],
    drawn: Sequence[DrawnFigure | DrawnTable],
    undrawn: Sequence[UndrawnFigure],
) -> tuple[Asked, ...]:
    """Answer the usual questions from verdicts and figures; leave out those with nothing to say."""
    figures = {figure.name: figure for figure in drawn}
    absent = {figure.name: figure for figure in undrawn}
    asked = []
    for question in QUESTIONS:
        names = dict.fromkeys(name for name, _ in question.answers)
        claims = tuple(views[claim] for claim in question.claims if claim in views)
        found = Asked(
            text=question.text,
            lead=_lead(question, claims),
            claims=claims,
            answers=tuple(
                (figures[name], text)
                for name, wanted in question.answers
                if name in figures and (text := _answer(figures[name], wanted)) is not None
            ),
            missing=tuple(absent[name] for name in names if name in absent),
        )
        if found.claims or found.answers or found.missing:
            asked.append(found)
    return tuple(asked)


def _lead(question: _Question, claims: Sequence[ClaimView]) -> str:
    if not claims or claims[0].claim["id"] != question.claims[0]:
        return ""
    verdict = claims[0].claim["verdict"]
    said = dict(question.leads).get(verdict["kind"], "")
    return said.format(qualifier=verdict["qualifier"] or "the claim's condition")


def _answer(figure: DrawnFigure | DrawnTable, wanted: str | None) -> str | None:
    for question, text in figure.answers:
        if wanted is None or question == wanted:
            return text
    return None
