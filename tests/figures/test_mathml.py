"""The page's typesetter: what it knows comes out as MathML, the rest is refused, all is escaped."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paper_figures.site.mathml import typeset


def _one(source: str) -> str:
    found = typeset(f"${source}$")
    assert found is not None, source
    return str(found).removeprefix("<math>").removesuffix("</math>")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\tau", "<mi>τ</mi>"),
        (r"n_{\mathrm{eff}}", "<msub><mi>n</mi><mtext>eff</mtext></msub>"),
        (r"n_{\rm eff}", "<msub><mi>n</mi><mtext>eff</mtext></msub>"),
        (r"\chi_{greedy}", "<msub><mi>χ</mi><mi>greedy</mi></msub>"),
        (r"x^2", "<msup><mi>x</mi><mn>2</mn></msup>"),
        (r"w_t^2", "<msubsup><mi>w</mi><mi>t</mi><mn>2</mn></msubsup>"),
        (r"w^2_t", "<msubsup><mi>w</mi><mi>t</mi><mn>2</mn></msubsup>"),
        (r"\frac12", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        (r"\frac{a}{12}", "<mfrac><mi>a</mi><mn>12</mn></mfrac>"),
        (r"x^10", "<msup><mi>x</mi><mn>1</mn></msup><mn>0</mn>"),
        (r"-\tau", "<mo>−</mo><mi>τ</mi>"),
        (r"\sqrt[3]{x}", "<mroot><mi>x</mi><mrow><mn>3</mn></mrow></mroot>"),
        (r"\mathbb{R}", "<mi>ℝ</mi>"),
        (r"\mathcal O", "<mi>𝒪</mi>"),
        (r"f'", "<msup><mi>f</mi><mo>′</mo></msup>"),
        (r"\log K", '<mi>log</mi><mspace width="0.17em"/><mi>K</mi>'),
        (
            r"\log(K)",
            '<mi>log</mi><mo stretchy="false">(</mo><mi>K</mi><mo stretchy="false">)</mo>',
        ),
        (r"\left(x\right)", "<mo>(</mo><mi>x</mi><mo>)</mo>"),
        (r"\text{if } x", "<mtext>if </mtext><mi>x</mi>"),
        (r"a<b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
    ],
)
def test_what_latex_becomes(source: str, expected: str) -> None:
    assert _one(source) == expected


@pytest.mark.parametrize(
    "source",
    [r"$\unheardof$", r"$\begin{cases}a\end{cases}$", "$a$ costs 5$", r"${a$", r"$a}$", r"$x^$",
     r"$x^2^3$", r"$\frac{a}$", r"$\left\nothing($", r"$\mathbb{!}$", "$a&b$", r"$\text{$"],
)  # fmt: skip
def test_what_it_does_not_know_it_refuses(source: str) -> None:
    assert typeset(source) is None


def test_text_around_the_formulas_is_kept_and_escaped() -> None:
    assert typeset("a < $b$ & <i>c</i>") == (
        "a &lt; <math><mi>b</mi></math> &amp; &lt;i&gt;c&lt;/i&gt;"
    )
    assert typeset("no formula") == "no formula"


def test_a_displayed_formula_stands_alone() -> None:
    assert str(typeset("$$a$$")) == '<math display="block"><mi>a</mi></math>'


def test_deep_nesting_is_refused_rather_than_followed() -> None:
    assert typeset("$" + "{" * 5000 + "a" + "}" * 5000 + "$") is None


_PIECES = st.lists(
    st.sampled_from(
        ["$", "\\", "{", "}", "^", "_", "a", "12", " ", "<script>", "&", '"', "'", "\\frac",
         "\\tau", "\\left", "\\right", "(", ")", "|", "\\text", "\\mathbb", "\\sqrt",
         "[", "]", "é", "\\hat"]
    )
).map("".join)  # fmt: skip


@given(_PIECES | st.text())
@example("$\\text{<script>}$")
@example("$<$")
def test_any_text_gives_well_formed_escaped_xml_or_nothing(text: str) -> None:
    found = typeset(text)
    if found is None:
        return
    legal = re.sub(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]", "", str(found))
    root = ElementTree.fromstring(f"<p>{legal}</p>")
    assert all(re.fullmatch(r"p|math|m[a-z]+", element.tag) for element in root.iter())
