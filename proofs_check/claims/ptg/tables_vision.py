"""Taskonomy and CelebA: the sentences of 5.2, C.3 and C.4 against Tables 2 and 3."""

from __future__ import annotations

from collections.abc import Mapping

from proofs_check.claims.ptg._data import CELEBA_TOTALS, ROWS, TASKONOMY_TOTALS
from proofs_check.claims.ptg._tables import (
    PRINTED,
    Cell,
    Comparison,
    cell,
    contradicted,
    ordered,
    upheld,
)
from proofs_check.model import Claim, Source

__all__ = ["CELEBA_ERROR", "CLAIMS", "LOSS_REDUCTION", "SAID"]


def _totals(found: Mapping[int, Mapping[str, str]]) -> dict[tuple[str, int], Cell]:
    return {
        (method, groups): cell(f"{method}, {groups} groups", text)
        for groups, row in found.items()
        for method, text in row.items()
    }


LOSS_REDUCTION = _totals(TASKONOMY_TOTALS)
CELEBA_ERROR = _totals(CELEBA_TOTALS)

_ZERO = cell("STL, by definition of the reduction", "0.000")
_FLAT_2 = {name: cell(name, total) for name, (_, total) in ROWS["Table 2"].items()}
_FLAT_3 = {name: cell(name, total) for name, (_, total) in ROWS["Table 3"].items()}
_NOT_OPTIMAL = ("Random", "CS", "HOA", "TAG", "MTG")


def _only_optimal_above(groups: int) -> tuple[Comparison, ...]:
    ours = LOSS_REDUCTION["Ours", groups]
    below = [Comparison(LOSS_REDUCTION[m, groups], "<", ours) for m in _NOT_OPTIMAL]
    return (Comparison(ours, "<", LOSS_REDUCTION["Optimal", groups]), *below)


_OURS_2, _OURS_3, _OURS_4 = (LOSS_REDUCTION["Ours", groups] for groups in (2, 3, 4))
_HOA_2, _HOA_3, _HOA_4 = (LOSS_REDUCTION["HOA", groups] for groups in (2, 3, 4))

SAID: dict[str, tuple[Comparison, ...]] = {
    "PTG-T2-RANDOM": tuple(
        Comparison(LOSS_REDUCTION[m, 2], "==", cell("the sentence's number", "-0.866"))
        for m in ("Random", "CS", "TAG")
    ),
    "PTG-T2-TWO": _only_optimal_above(2),
    "PTG-T2-FOUR": _only_optimal_above(4),
    "PTG-T2-OPTIMAL": (
        Comparison(LOSS_REDUCTION["Optimal", 2], "<=", LOSS_REDUCTION["Optimal", 3]),
        Comparison(LOSS_REDUCTION["Optimal", 3], "<=", LOSS_REDUCTION["Optimal", 4]),
    ),
    "PTG-T3-STG": (Comparison(_FLAT_3["STG"], "==", cell("the sentence's number", "55.030")),),
}
"""What refuted sentences say, as comparisons; the first that fail are the contradictions."""

_OURS_IS_THIRD = tuple(
    item
    for groups in (2, 4)
    for item in (
        *ordered(
            (
                LOSS_REDUCTION["Ours", groups],
                LOSS_REDUCTION["HOA", groups],
                LOSS_REDUCTION["Optimal", groups],
            )
        ),
        *(
            Comparison(LOSS_REDUCTION[m, groups], "<", LOSS_REDUCTION["Ours", groups])
            for m in ("Random", "CS", "TAG")
        ),
    )
)

_CELEBA_OURS = (
    *(
        Comparison(CELEBA_ERROR["Ours", groups], "<", CELEBA_ERROR[method, groups])
        for groups, row in CELEBA_TOTALS.items()
        for method in row
        if method not in ("Ours", "OPT")
    ),
    *ordered([CELEBA_ERROR["Ours", groups] for groups in (4, 3, 2)]),
    Comparison(CELEBA_ERROR["Ours", 2], "<", CELEBA_ERROR["OPT", 2]),
    Comparison(CELEBA_ERROR["OPT", 3], "<", CELEBA_ERROR["Ours", 3]),
    Comparison(CELEBA_ERROR["Ours", 2], "<", _FLAT_3["Naive-MTL"]),
)

_CELEBA_OTHERS = (
    *ordered([CELEBA_ERROR["TAG", groups] for groups in (4, 3, 2)]),
    *ordered([CELEBA_ERROR["HOA", groups] for groups in (2, 3, 4)]),
    Comparison(CELEBA_ERROR["CS", 2], "<", CELEBA_ERROR["CS", 3]),
    Comparison(CELEBA_ERROR["CS", 4], "<", CELEBA_ERROR["CS", 3]),
    *ordered([_FLAT_3[m] for m in ("Naive-MTL", "PCGrad", "Surrogate", "GradNorm", "UW")]),
)

_STEADY = (
    *ordered([_ZERO, _FLAT_2["Surrogate"], _FLAT_2["Naive-MTL"], _OURS_2, _OURS_3, _OURS_4]),
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="PTG-T2-OURS",
        family="ptg",
        title="Taskonomy: above STL and MTL, and better with more groups",
        statement=r"Our method consistently outperforms STL and MTL benchmarks, and its "
        r"performance improves as the number of splits increases.",
        plain="In Table 2: 0 < Surrogate < Naive-MTL < Ours (2) < Ours (3) < Ours (4).",
        source=Source("PTG", "5.2; App. C.3, Table 2"),
        assumptions=(PRINTED,),
        used_for="5.2, Taskonomy",
        checks=upheld(_STEADY),
    ),
    Claim(
        id="PTG-T2-RANDOM",
        family="ptg",
        title="two groups: Random, CS and TAG lose 0.866",
        statement=r"When splitting 2 groups, the Random method, CS and TAG perform poorly, "
        r"resulting in a significant negative loss reduction of $-0.866$.",
        plain="In Table 2, two groups, the totals of Random, CS and TAG are -0.866.",
        source=Source("PTG", "App. C.3, Table 2"),
        assumptions=(PRINTED,),
        used_for="C.3",
        checks=contradicted("PTG-T2-RANDOM", SAID["PTG-T2-RANDOM"]),
        repaired_by="PTG-T2-RANDOM-R",
        notes="Random's printed total 0.016 is the sum of its row.",
    ),
    Claim(
        id="PTG-T2-RANDOM-R",
        family="ptg",
        title="two groups: CS and TAG do, Random is just above 0",
        statement=r"With 2 groups CS and TAG have $-0.866$, Random $0.016$.",
        plain="CS and TAG have -0.866; Random lies between 0 and Surrogate's 0.050.",
        source=Source("songoku", "repair of PTG's App. C.3"),
        assumptions=(PRINTED,),
        used_for="C.3",
        checks=upheld(
            (
                *SAID["PTG-T2-RANDOM"][1:],
                *ordered([_ZERO, LOSS_REDUCTION["Random", 2], _FLAT_2["Surrogate"]]),
            )
        ),
        repairs="PTG-T2-RANDOM",
    ),
    Claim(
        id="PTG-T2-TWO",
        family="ptg",
        title="two groups: second only to Optimal",
        statement=r"The HOA method achieves the best results among non-oracle baselines (0.608), "
        r"while the proposed method (Ours) attains the second-best performance after the Optimal "
        r"baseline (0.694) with a notable loss reduction of 0.499.",
        plain="In Table 2, two groups, only Optimal is above Ours.",
        source=Source("PTG", "App. C.3, Table 2"),
        assumptions=(PRINTED,),
        used_for="C.3",
        checks=contradicted("PTG-T2-TWO", SAID["PTG-T2-TWO"]),
        reading="'second-best after the Optimal baseline'. The sentence itself gives HOA 0.608; "
        "read as 'second among the non-oracle ones', Ours ties with MTG at 0.499",
        repaired_by="PTG-T2-FOUR-R",
    ),
    Claim(
        id="PTG-T2-THREE",
        family="ptg",
        title="three groups: second only to Optimal, HOA last",
        statement=r"For the 3 Groups category, the proposed method (Ours) performs strongly, again "
        r"ranking behind only the Optimal baseline (0.888), with a loss reduction of 0.677. In "
        r"contrast, HOA becomes unstable and performs the worst among all baselines with a "
        r"negative loss reduction.",
        plain="In Table 2, three groups, only Optimal is above Ours, and HOA is negative and last.",
        source=Source("PTG", "App. C.3, Table 2"),
        assumptions=(PRINTED,),
        used_for="C.3",
        checks=upheld(
            (
                *_only_optimal_above(3),
                Comparison(_HOA_3, "<", _ZERO),
                *(
                    Comparison(_HOA_3, "<", LOSS_REDUCTION[m, 3])
                    for m in ("Random", "CS", "TAG", "MTG")
                ),
            )
        ),
    ),
    Claim(
        id="PTG-T2-FOUR",
        family="ptg",
        title="four groups: second only to Optimal",
        statement=r"As the number of groups increases (e.g., 4 groups), the proposed method "
        r"maintains competitive performance (0.688), second only to the Optimal baseline (0.833), "
        r"and surpasses Random (0.307), CS/TAG (0.206), and MTG (0.598).",
        plain="In Table 2, four groups, only Optimal is above Ours.",
        source=Source("PTG", "App. C.3, Table 2"),
        assumptions=(PRINTED,),
        used_for="C.3; 'superior overall stability'",
        checks=contradicted("PTG-T2-FOUR", SAID["PTG-T2-FOUR"]),
        repaired_by="PTG-T2-FOUR-R",
        notes="HOA has 0.809 there; the methods that the sentence lists are indeed below Ours.",
    ),
    Claim(
        id="PTG-T2-FOUR-R",
        family="ptg",
        title="two and four groups: HOA is between Optimal and Ours",
        statement=r"With 2 and with 4 groups the order is Optimal, HOA, Ours; Random, CS and TAG "
        r"are below.",
        plain="With two and with four groups Ours is third, above Random, CS and TAG.",
        source=Source("songoku", "repair of PTG's App. C.3"),
        assumptions=(PRINTED,),
        used_for="C.3",
        checks=upheld(_OURS_IS_THIRD),
        repairs="PTG-T2-FOUR",
    ),
    Claim(
        id="PTG-T2-OPTIMAL",
        family="ptg",
        title="one more group does not hurt the enumerated optimum",
        statement=r"Optimal policy which is obtained by enumeration. [Table 2: 0.694, 0.888, "
        r"0.833.]",
        plain="Table 2's Optimal totals for 2, 3 and 4 groups do not decrease.",
        source=Source("songoku", "on PTG's Table 2"),
        assumptions=(PRINTED,),
        used_for="what the enumeration ranges over",
        checks=contradicted("PTG-T2-OPTIMAL", SAID["PTG-T2-OPTIMAL"]),
        reading="a question of ours: if groups may overlap and a task takes its best group (as in "
        "Table 4, PTG-T4-BEST), one more group can't lower the optimum. If the enumeration is over "
        "disjoint groups, or scores each number of groups on other runs, it can",
        repaired_by="PTG-T2-OPTIMAL-R",
        notes="Tables 3, 4 and 5 have optima that improve with every group.",
    ),
    Claim(
        id="PTG-T2-OPTIMAL-R",
        family="ptg",
        title="on CelebA every group improves the optimum, on Taskonomy the fourth does not",
        statement=r"Table 2's optimum rises from 2 to 3 groups and falls from 3 to 4; Table 3's "
        r"error falls with each group.",
        plain="Taskonomy: Optimal (2) < Optimal (4) < Optimal (3). CelebA: OPT (4) < OPT (3) < OPT "
        "(2).",
        source=Source("songoku", "repair of PTG-T2-OPTIMAL"),
        assumptions=(PRINTED,),
        used_for="reading 'Optimal' in Table 2 with care",
        checks=upheld(
            (
                *ordered([LOSS_REDUCTION["Optimal", groups] for groups in (2, 4, 3)]),
                *ordered([CELEBA_ERROR["OPT", groups] for groups in (4, 3, 2)]),
            )
        ),
        repairs="PTG-T2-OPTIMAL",
    ),
    Claim(
        id="PTG-T3-OURS",
        family="ptg",
        title="CelebA: best non-optimal method at every split, better with more groups",
        statement=r"Our method consistently outperforms all non-optimal baselines across every "
        r"split configuration. [...] Our approach outperforms OPT in the 2-split scenario, where "
        r"our approach achieves a total error of 49.534, with OPT at 49.583. [...] 49.348 compared "
        r"to the 2-split case [...] 49.335.",
        plain="In Table 3 Ours is below every non-optimal method at 2, 3 and 4 groups, falls with "
        "each group, and is below OPT at 2.",
        source=Source("PTG", "5.2; App. C.4, Table 3"),
        assumptions=(PRINTED,),
        used_for="5.2, CelebA",
        checks=upheld(_CELEBA_OURS),
        notes="Totals only; Grad-TAG with three groups is left out (its line is damaged). "
        "From 3 to 4 groups the gain is 0.013, less than the printed standard deviations of single "
        "tasks: the order of the printed means is what is judged.",
    ),
    Claim(
        id="PTG-T3-OTHERS",
        family="ptg",
        title="CelebA: TAG improves with groups, HOA declines, CS wavers",
        statement=r"As the number of groups increases, TAG and our proposed method demonstrate "
        r"continuous improvement, while HOA performance declines, and CS exhibits instability. "
        r"[...] Surrogate [...] 51.000—better than GradNorm (51.312) and UW (52.717), comparable "
        r"to PCGrad (50.835), but still behind Naive-MTL (50.233).",
        plain="In Table 3 TAG falls, HOA rises, CS rises and falls; Naive-MTL < PCGrad < Surrogate "
        "< GradNorm < UW.",
        source=Source("PTG", "App. C.4, Table 3"),
        assumptions=(PRINTED,),
        used_for="C.4",
        checks=upheld(_CELEBA_OTHERS),
    ),
    Claim(
        id="PTG-T3-STG",
        family="ptg",
        title="CelebA: STG's total error is 55.030",
        statement=r"The recent STG baseline yields a markedly higher total error of 55.030 (worse "
        r"than STL).",
        plain="STG's total in Table 3 is 55.030.",
        source=Source("PTG", "App. C.4, Table 3"),
        assumptions=(PRINTED,),
        used_for="C.4",
        checks=contradicted("PTG-T3-STG", SAID["PTG-T3-STG"]),
        reading="may be left from an earlier run; the conclusion 'worse than STL' stands",
        repaired_by="PTG-T3-STG-R",
        notes="The table's 54.200 is the sum of its row (PTG-T3-SUMS).",
    ),
    Claim(
        id="PTG-T3-STG-R",
        family="ptg",
        title="CelebA: STG's total error is 54.200, worse than STL and all MTL methods",
        statement=r"STG's total error in Table 3 is $54.200$, above STL's $50.621$ and UW's "
        r"$52.717$.",
        plain="54.200 is above STL and above the worst MTL method.",
        source=Source("songoku", "repair of PTG's App. C.4"),
        assumptions=(PRINTED,),
        used_for="C.4",
        checks=upheld(
            (
                Comparison(_FLAT_3["STG"], "==", cell("54.200", "54.200")),
                *ordered([_FLAT_3["STL"], _FLAT_3["UW"], _FLAT_3["STG"]]),
            )
        ),
        repairs="PTG-T3-STG",
    ),
)
