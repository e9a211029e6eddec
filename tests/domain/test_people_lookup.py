from time import process_time
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from builders import ANA, BEN, JUAN, JUAN_TOO, MEMBERS, candidate_values, only_refuses, refused
from taskhand.domain import people_lookup
from taskhand.domain.display_text import one_line, plain
from taskhand.domain.errors import Ambiguous, NotFound
from taskhand.domain.name_matching import Match, fold
from taskhand.domain.task import Member
from taskhand.domain.truncation import truncate


@pytest.mark.parametrize(
    "text",
    [
        ANA.id,
        ANA.id.upper(),
        f" {ANA.id} ",
        "ana@example.cl",
        "ANA@Example.CL",
        "Ana Pérez",
        "ana perez",
        " ANA  PÉREZ ",
        "Ana\u200d P\u200berez",
        "ana@example.cl\ufeff",
        "Ana Pérez <ana@example.cl>",
        '"Ana Pérez" <ana@example.cl>',
        "ana perez <ANA@example.cl>",
        "<ana@example.cl>",
        "mailto:ana@example.cl",
        "Ana Pérez <mailto:ana@example.cl>",
        "Ana Pérez (ana@example.cl)",
        "Ana Pérez [ana@example.cl]",
        f"Ana Pérez ({ANA.id})",
        f"Ana Pérez <{ANA.id}>",
    ],
)
def test_a_person_is_found_by_id_e_mail_or_full_name(text: str) -> None:
    assert people_lookup.match_members([text], MEMBERS, None).ids == (ANA.id,)


@pytest.mark.parametrize("text", ["jp.ventas", "JP.Ventas", "@jp.ventas"])
def test_a_person_whom_no_name_fits_is_found_by_the_e_mail_without_its_domain(text: str) -> None:
    seller = Member(id="s-1", name="Juan Soto", email="jp.ventas@example.cl")
    found = people_lookup.match_members([text], [*MEMBERS, seller], None)
    assert found.matched == (Match("responsibleIds", text, "s-1", "Juan Soto"),)
    with refused("ambiguous_member", Ambiguous):
        other = Member(id="s-2", name="Jo Paz", email="jp.ventas@example.com")
        people_lookup.match_members([text], [seller, other], None)
    for part in ("jp", "ventas", "@"):
        with refused("unknown_member", NotFound):
            people_lookup.match_members([part], [seller], None)


def test_a_name_is_preferred_to_an_e_mail_without_its_domain() -> None:
    team = [Member(id="1", name="Eva Ana", email=None), Member(id="2", name="Anastasia", email="ana@example.cl")]
    assert people_lookup.match_members(["ana"], team, None).ids == ("1",)


@pytest.mark.parametrize("text", ["me", "ME", " Me ", "m\u200be"])
def test_me_resolves_to_the_caller(text: str) -> None:
    found = people_lookup.match_members([text], MEMBERS, BEN.id)
    assert found.ids == (BEN.id,)
    assert found.matched == (Match("responsibleIds", text, BEN.id, BEN.name),)


@pytest.mark.parametrize("me", [None, "gone"])
def test_me_is_refused_with_all_members_as_candidates_where_it_is_unknown(me: str | None) -> None:
    with refused("unknown_member", NotFound) as caught:
        people_lookup.match_members(["me"], MEMBERS, me)
    assert candidate_values(caught.value) == [member.id for member in MEMBERS]


TWO_OF_A_MAIL = Member(id="x-1", name="ben@example.cl", email=" ANA@example.cl ")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ana@example.cl", [ANA]),
        (" ANA@Example.CL ", [ANA]),
        ("an\u212a@example.cl", []),
        ("ben@example.cl", [BEN]),
        ("nobody@example.cl", []),
        (f" {ANA.id} ", [ANA]),
        ("ana perez", [ANA]),
        ("ana", []),
        ("Juan Soto", [JUAN, JUAN_TOO]),
        ("nobody", []),
        ("", []),
    ],
)
def test_members_are_found_by_id_or_e_mail_else_by_full_name(text: str, found: list[Member]) -> None:
    assert list(people_lookup.find_members(text, MEMBERS)) == found


def test_an_address_is_never_found_as_somebodys_name_and_an_id_may_be_one() -> None:
    team = [ANA, BEN, TWO_OF_A_MAIL, Member(id="ci@example.cl", name="CI", email=None)]
    found = [
        [one.id for one in people_lookup.find_members(f"{name}@example.cl", team)] for name in ("ben", "ana", "ci")
    ]
    assert found == [[BEN.id], [ANA.id, "x-1"], ["ci@example.cl"]]
    assert not people_lookup.find_members(" ", [Member(id="n", name=" ", email="")])


def test_words_of_several_names_give_candidates_in_the_order_of_the_team() -> None:
    team = [Member(id=str(n), name=f"Ana {n}" if n % 3 else "Ben", email=None) for n in range(40)]
    with refused("ambiguous_member", Ambiguous) as caught:
        people_lookup.match_members(["ana"], team, None)
    assert candidate_values(caught.value) == [str(n) for n in range(40) if n % 3][:10]


def test_an_id_that_a_task_has_is_accepted_although_nobody_of_the_team_has_it() -> None:
    gone = Member(id="gone-1", name="Eva Gone", email=None)
    known: dict[str, Any] = {"accepted": ("gone-1", "lost-2", ANA.id), "former": (gone,)}
    found = people_lookup.match_members(["LOST-2", "lost-2", "gone-1", ANA.id, "Eva Gone"], MEMBERS, None, **known)
    assert found.ids == ("lost-2", "gone-1", ANA.id)
    assert [(one.given, one.name) for one in found.matched] == [
        ("LOST-2", "lost-2 (not in the team)"),
        ("Eva Gone", "Eva Gone (not in the team)"),
    ]
    for text in ("lost-2", "gone-1"):
        with refused("unknown_member", NotFound):
            people_lookup.match_members([text], MEMBERS, None)
    with refused("unknown_member", NotFound):
        people_lookup.match_members(["eva"], MEMBERS, None, **known)
    assert people_lookup.match_members(["eva"], MEMBERS, None, **known, is_filter=True).ids == ("gone-1",)


def test_people_given_by_a_part_of_the_name_are_reported_as_shortened() -> None:
    found = people_lookup.match_members(["ana perez", "núñez", BEN.id, "me"], MEMBERS, JUAN.id)
    assert [match.given for match in found.shortened] == ["núñez", "me"]


def test_a_name_is_reported_as_matched_and_an_id_is_not() -> None:
    found = people_lookup.match_members([BEN.id, "ana perez"], MEMBERS, None)
    assert found == people_lookup.People((BEN.id, ANA.id), (Match("responsibleIds", "ana perez", ANA.id, ANA.name),))


def test_people_keep_their_order_and_count_once() -> None:
    found = people_lookup.match_members(["Ben Núñez", "me", ANA.id, "ben@example.cl", "me"], MEMBERS, ANA.id)
    assert found.ids == (BEN.id, ANA.id)
    assert [match.given for match in found.matched] == ["Ben Núñez", "me", "ben@example.cl"]


@pytest.mark.parametrize("text", ["Ben Núñez <ana@example.cl>", "Ben Núñez (ana@example.cl)", f"Ben Núñez <{ANA.id}>"])
def test_a_name_beside_the_address_of_another_is_refused_with_both(text: str) -> None:
    with refused("ambiguous_member", Ambiguous) as caught:
        people_lookup.match_members([text], MEMBERS, None)
    assert candidate_values(caught.value) == [ANA.id, BEN.id]


@pytest.mark.parametrize("text", ["Anna Perez <ana@example.cl>", "Somebody <ana@example.cl>"])
def test_an_unknown_name_beside_an_address_is_refused_with_whose_it_is(text: str) -> None:
    with refused("ambiguous_member", Ambiguous) as caught:
        people_lookup.match_members([text], MEMBERS, None)
    assert candidate_values(caught.value) == [ANA.id]


@pytest.mark.parametrize(
    "text", ["Ana Pérez <ana@elsewhere.cl>", "<>", "Ana Pérez <>", "mailto:", "(Ana", "Ana Pérez <a b>"]
)
def test_a_name_beside_an_unknown_address_is_refused(text: str) -> None:
    with refused("unknown_member", NotFound) as caught:
        people_lookup.match_members([text], MEMBERS, None)
    assert ANA.id in candidate_values(caught.value)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.id)
def test_a_person_is_understood_as_the_candidates_show_them(member: Member) -> None:
    with refused("unknown_member") as caught:
        people_lookup.match_members(["nobody"], MEMBERS, None)
    [shown] = [one.name for one in caught.value.candidates if one.value == member.id]
    namesake = member.email is None and member in (JUAN, JUAN_TOO)
    if namesake:
        with refused("ambiguous_member"):
            people_lookup.match_members([str(shown)], MEMBERS, None)
    else:
        assert people_lookup.match_members([str(shown)], MEMBERS, None).ids == (member.id,)


def test_an_initial_names_nobody_and_a_name_of_one_character_does() -> None:
    team = [Member(id="1", name="J Soto", email=None), Member(id="2", name="李 明", email=None)]
    with refused("unknown_member", NotFound):
        people_lookup.match_members(["j"], team, None)
    assert people_lookup.match_members(["李"], team, None).ids == ("2",)


def test_a_name_with_brackets_is_a_name() -> None:
    sales = Member(id="sales", name="Ana Pérez (Ventas)", email=None)
    assert people_lookup.match_members(["ana perez (ventas)"], [*MEMBERS, sales], None).ids == ("sales",)
    south = Member(id="south", name="Ana Pérez (equipo de Ventas Sur)", email=None)
    with pytest.raises(NotFound):
        people_lookup.match_members(["ventas"], [*MEMBERS, south], None)


def test_a_person_is_understood_as_an_answer_truncates_them() -> None:
    long = Member(id="long", name="Ana María " * 30, email=f"{'ana' * 40}@example.cl")
    label = f"{long.name} <{long.email}>"
    for text in (truncate(long.name, 60), truncate(long.email or "", 60), truncate(label, 200), plain(label)):
        assert people_lookup.match_members([text], [*MEMBERS, long], None).ids == ("long",)


HIDING = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from(
        '\u200b\u200c\u200d\ufe0e\ufe0f\u202e\u2066\ufeff\xad\r\n\x0b\x85\x1b \u2714\U0001f469\u0645\u0915\u094d<>()"@'
    ),
    max_size=300,
)


@given(HIDING, st.none() | HIDING | st.just("strange@example.cl"))
def test_a_person_is_understood_as_shown_in_any_answer(name: str, email: str | None) -> None:
    strange = Member(id="strange", name=name, email=email)
    for text in (name, email or "", f"{name} <{email}>" if email else name):
        label = f"{plain(truncate(name, 60))} <{plain(email)}>" if email and "@" in email else plain(text)
        for form in (plain(text), one_line(text), plain(truncate(text, 60)), plain(truncate(text, 200)), label):
            assume(fold(form) not in {"", "me"})
            assert people_lookup.match_members([form], [ANA, strange], None).ids == ("strange",)


def someone(name: str, email: str | None = None) -> Member:
    return Member(id=f"id-{name}", name=name, email=email)


CREW = [
    someone("Kenneth M. Jones", "kenneth@example.com"),
    someone("Ana Soto"),
    someone("Ana Lagos"),
    someone("María-José Núñez"),
    someone("Seán O\u2019Brien"),
    someone("Soto Vega"),
    someone("Lee"),
    someone("Lee Chan"),
    someone("Jean\u2010Luc d'Arc"),
    someone("Ben Pozo (Ventas)"),
]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Kenneth", "Kenneth M. Jones"),
        ("jones", "Kenneth M. Jones"),
        ("Kenneth Jones", "Kenneth M. Jones"),
        ("Jones, Kenneth", "Kenneth M. Jones"),
        ("kenneth m jones", "Kenneth M. Jones"),
        ("@kenneth", "Kenneth M. Jones"),
        ("Jones <kenneth@example.com>", "Kenneth M. Jones"),
        ("LAGOS", "Ana Lagos"),
        ("maria", "María-José Núñez"),
        ("María José", "María-José Núñez"),
        ("maria-jose nunez", "María-José Núñez"),
        ("nunez", "María-José Núñez"),
        ("O'Brien", "Seán O\u2019Brien"),
        ("o\u00b4brien", "Seán O\u2019Brien"),
        ("sean", "Seán O\u2019Brien"),
        ("ana soto", "Ana Soto"),
        ("vega", "Soto Vega"),
        ("lee", "Lee"),
        ("chan", "Lee Chan"),
        ("Jean-Luc", "Jean\u2010Luc d'Arc"),
        ("D\u2019Arc", "Jean\u2010Luc d'Arc"),
        ("luc", "Jean\u2010Luc d'Arc"),
    ],
)
def test_whole_words_of_only_one_name_resolve_to_that_person(text: str, name: str) -> None:
    [found] = people_lookup.match_members([text], CREW, None).matched
    assert found == Match("responsibleIds", text, f"id-{name}", name)


@pytest.mark.parametrize(("text", "names"), [("Ana", ["Ana Soto", "Ana Lagos"]), ("soto", ["Ana Soto", "Soto Vega"])])
def test_words_of_several_names_are_candidates_and_none_is_chosen(text: str, names: list[str]) -> None:
    with refused("ambiguous_member", Ambiguous) as caught:
        people_lookup.match_members([text], CREW, None)
    assert [candidate.name for candidate in caught.value.candidates] == names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ken", "Kenneth M. Jones"),
        ("Keneth", "Kenneth M. Jones"),
        ("Kenneth Jon", "Kenneth M. Jones"),
        ("lago", "Ana Lagos"),
        ("Brien", "Seán O\u2019Brien"),
        ("ventas", "Ben Pozo (Ventas)"),
    ],
)
def test_parts_of_words_are_candidates_only(text: str, name: str) -> None:
    with refused("unknown_member", NotFound) as caught:
        people_lookup.match_members([text], CREW, None)
    assert caught.value.message.endswith(f"Only {name} is close.")
    assert candidate_values(caught.value) == [f"id-{name}"]


@pytest.mark.parametrize("text", ["M", "M.", "K J", ".", "Kenneth Smith", "Ana <other@example.com>", "Lee Jones"])
def test_a_part_of_a_word_of_a_name_matches_nobody(text: str) -> None:
    with refused("unknown_member", NotFound):
        people_lookup.match_members([text], CREW, None)


GONE = someone("Kenneth Gone", "gone@example.com")


@pytest.mark.parametrize(
    "text",
    [
        "id-Kenneth Gone",
        "Kenneth Gone",
        "kenneth gone",
        "gone@example.com",
        "Kenneth Gone <gone@example.com>",
        "Kenneth Gone (not in the team)",
        "Kenneth Gone <gone@example.com> (not in the team)",
        "id-Kenneth Gone (Not in the team)",
    ],
)
def test_a_former_member_is_found_as_shown_where_one_is_accepted(text: str) -> None:
    found = people_lookup.match_members([text], CREW, None, former=[GONE])
    assert found.ids == (GONE.id,)
    assert [one.name for one in found.matched] == ["Kenneth Gone (not in the team)"] * (text != GONE.id)


@pytest.mark.parametrize("text", ["gone", "Gone (not in the team)"])
def test_a_word_in_a_filter_means_a_former_member_where_no_active_person_has_it(text: str) -> None:
    found = people_lookup.match_members([text, "Kenneth"], CREW, None, former=[GONE], is_filter=True)
    assert found.ids == (GONE.id, "id-Kenneth M. Jones")
    assert found.shortened[0].name == f"{GONE.name} (not in the team)"
    other = Member(id="id-other", name="Other Gone", email=None)
    with refused("ambiguous_member", Ambiguous):
        people_lookup.match_members([text], CREW, None, former=[GONE, other], is_filter=True)


def test_a_word_matches_active_people_and_the_mark_matches_former_ones() -> None:
    for name in (GONE.name, "Kenneth"):
        gone = Member(id="id-gone", name=name, email=None)
        assert people_lookup.match_members(["Kenneth"], CREW, None, former=[gone]).ids == ("id-Kenneth M. Jones",)
    for text in ("gone", "Ana Soto (not in the team)", " (not in the team)"):
        with refused("unknown_member", NotFound):
            people_lookup.match_members([text], CREW, None, former=[GONE])


def test_the_error_for_me_lists_members_and_names_the_setting_that_resolves_it() -> None:
    with refused("unknown_member", NotFound) as caught:
        people_lookup.match_members(["me"], CREW, None, me_remedy="Set CRM_USER_ID to the id of a member.")
    assert candidate_values(caught.value)[0] == "id-Kenneth M. Jones"
    assert "Set CRM_USER_ID" in str(caught.value.next_step)


def test_an_empty_list_of_people_resolves_to_nobody() -> None:
    assert people_lookup.match_members([], MEMBERS, None) == people_lookup.People((), ())


@pytest.mark.parametrize("text", ["Juan Soto", "JUAN SOTO", "juan  soto"])
def test_namesakes_are_all_candidates_and_none_is_chosen(text: str) -> None:
    with refused("ambiguous_member", Ambiguous) as caught:
        people_lookup.match_members([ANA.id, text], MEMBERS, None)
    assert candidate_values(caught.value) == [JUAN.id, JUAN_TOO.id]
    assert [candidate.name for candidate in caught.value.candidates] == ["Juan Soto <juan@example.cl>", "juan  soto"]


def test_an_id_or_an_e_mail_distinguishes_namesakes() -> None:
    assert people_lookup.match_members([JUAN_TOO.id, "juan@example.cl"], MEMBERS, None).ids == (JUAN_TOO.id, JUAN.id)


def test_an_e_mail_that_two_share_is_ambiguous() -> None:
    twins = [ANA, Member(id="twin", name="Twin", email="ANA@example.cl")]
    with refused("ambiguous_member", Ambiguous) as caught:
        people_lookup.match_members(["ana@example.cl"], twins, None)
    assert candidate_values(caught.value) == [ANA.id, "twin"]


@pytest.mark.parametrize(("text", "nearest"), [("An", ANA.id), ("Anna Peres", ANA.id), ("Nuñes", BEN.id)])
def test_an_unknown_name_is_refused_with_the_nearest_first(text: str, nearest: str) -> None:
    with refused("unknown_member", NotFound) as caught:
        people_lookup.match_members([text], MEMBERS, None)
    assert candidate_values(caught.value)[0] == nearest


@pytest.mark.parametrize(
    "members", [MEMBERS, [Member(id="1", name="", email=None), Member(id="2", name="A", email="")]]
)
@pytest.mark.parametrize("text", ["", "  "])
def test_a_blank_entry_is_refused(text: str, members: list[Member]) -> None:
    with refused("unknown_member", NotFound):
        people_lookup.match_members([text], members, None)


def test_an_error_has_a_limited_number_of_candidates() -> None:
    crowd = [Member(id=str(number), name=f"Person {number}", email=None) for number in range(200)]
    with refused("unknown_member") as caught:
        people_lookup.match_members(["Nobody"], crowd, None)
    assert len(caught.value.candidates) == 5
    assert "list_team_members lists all 200" in str(caught.value.next_step)
    for text, code in (("Person", "ambiguous_member"), ("me", "unknown_member")):
        with refused(code) as caught:
            people_lookup.match_members([text], crowd, None)
        assert len(caught.value.candidates) == 10, text
        assert "These are 10 of 200; list_team_members has them all." in str(caught.value.next_step), text


def test_a_very_long_name_is_refused_quickly_with_a_short_message() -> None:
    crowd = [Member(id=str(number), name=f"Person Number {number}", email=None) for number in range(150)]
    started = process_time()
    with refused("unknown_member") as caught:
        people_lookup.match_members(["parson " * 3_000], crowd, None)
    assert len(caught.value.message) < 120
    assert process_time() - started < 0.5


@given(st.lists(st.text()))
def test_any_text_for_people_is_resolved_or_refused(texts: list[str]) -> None:
    only_refuses(lambda: people_lookup.match_members(texts, MEMBERS, ANA.id))


def test_many_names_in_a_large_team_are_found_at_the_cost_of_reading_it_once() -> None:
    team = [Member(id=f"p-{number}", name=f"Ana Pérez {number}", email=None) for number in range(2_000)]
    began = process_time()
    found = people_lookup.match_members([member.name.upper() for member in team], team, None)
    assert len(found.ids) == len(team)
    assert process_time() - began < 1.0


def test_a_name_of_a_member_is_preferred_to_a_word_for_the_caller() -> None:
    namesake = Member(id="u-9", name="Yo Tanaka", email=None)
    assert people_lookup.match_members(["yo"], [ANA, namesake], ANA.id).ids == (namesake.id,)
    assert people_lookup.match_members(["yo"], [ANA], ANA.id).ids == (ANA.id,)


def test_a_word_for_an_unknown_caller_is_refused_as_me_is() -> None:
    with refused("unknown_member", NotFound) as caught:
        people_lookup.match_members(["mí"], MEMBERS, None)
    assert caught.value.message == "It is not known who 'me' is."
