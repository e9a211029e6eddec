"""The cipher: what was sealed opens with its key and its purpose, and with nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixed_clock import NOW
from taskhand.domain.errors import LinkBroken, OperatorError
from taskhand.vault.cipher import CannotOpen, Cipher, Sealed
from taskhand.vault.credential_link import OwnCredential
from taskhand.vault.sealed_link import SealedLink, open_link, seal_link
from taskhand.vault.vault_key import make_vault_key, read_vault_keys
from vault.vaults import KEY, OLD_KEY, cipher_of, link_of

texts = st.text(max_size=20)


@given(secret=st.binary(max_size=200), purpose=st.binary(max_size=50))
def test_a_secret_is_encrypted_with_the_first_key_and_decrypted_with_any(secret: bytes, purpose: bytes) -> None:
    before = cipher_of(OLD_KEY).seal(secret, purpose)
    both = cipher_of(KEY, OLD_KEY)
    now = both.seal(secret, purpose)
    assert both.open(before, purpose) == both.open(now, purpose) == secret
    assert cipher_of(KEY).open(now, purpose) == secret
    with pytest.raises(CannotOpen) as missing:
        cipher_of(KEY).open(before, purpose)
    assert missing.value.key_is_missing
    assert len(secret) < 4 or secret not in now.text


@given(secret=st.binary(max_size=60), data=st.data())
def test_a_changed_bit_anywhere_is_found(secret: bytes, data: st.DataObject) -> None:
    purpose = b"for ana in north"
    sealed = cipher_of(KEY).seal(secret, purpose)
    whole = sealed.nonce + sealed.text + purpose
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    changed = bytearray(whole)
    changed[at] ^= 1 << bit
    end = len(sealed.nonce) + len(sealed.text)
    other = Sealed(sealed.key_id, bytes(changed[: len(sealed.nonce)]), bytes(changed[len(sealed.nonce) : end]))
    with pytest.raises(CannotOpen) as refused:
        cipher_of(KEY).open(other, bytes(changed[end:]))
    assert not refused.value.key_is_missing


@given(secret=st.binary(max_size=60), nonce=st.binary(max_size=40), text=st.binary(max_size=100))
def test_bytes_that_were_never_sealed_cannot_be_opened(secret: bytes, nonce: bytes, text: bytes) -> None:
    key_id = cipher_of(KEY).seal(secret, b"").key_id
    with pytest.raises(CannotOpen):
        cipher_of(KEY).open(Sealed(key_id, nonce, text), b"")


def test_a_link_is_opened_with_every_field_that_was_sealed() -> None:
    used = replace(link_of("ana"), last_used_at=NOW, email="ana@x.test")
    opened = open_link(seal_link(used, cipher_of(KEY), 2, NOW), cipher_of(KEY))
    assert opened == replace(used, generation=2, saved_at=NOW)


@given(one=st.tuples(texts, texts), other=st.tuples(texts, texts))
def test_a_link_opens_for_its_person_and_connection_only(one: tuple[str, str], other: tuple[str, str]) -> None:
    opener = cipher_of(KEY)
    row = seal_link(link_of(*one), opener, 1, NOW)
    assert open_link(row, opener).credential == link_of(*one).credential
    fields = {name: getattr(row, name) for name in SealedLink.__slots__}
    moved = SealedLink(**fields | {"person": other[0], "connection": other[1]})
    if one == other:
        assert open_link(moved, opener).name == one
        return
    with pytest.raises(LinkBroken):
        open_link(moved, opener)


def test_a_row_of_another_version_or_with_a_malformed_secret_is_broken() -> None:
    opener = cipher_of(KEY)
    row = seal_link(link_of("ana"), opener, 1, NOW)
    with pytest.raises(LinkBroken) as newer:
        open_link(replace(row, version=2), opener)
    assert "encrypted in another way (2)" in newer.value.flaw
    for secret in (b"[]", b'["access"]', b"access", b'["a", "b", "c"]'):
        with pytest.raises(LinkBroken) as odd:
            open_link(replace(row, sealed=opener.seal(secret, row.associated)), opener)
        assert "was altered" in odd.value.flaw


def _corruptions(value: Any) -> Iterator[Any]:
    """The value with each of its bytes changed, cut off at each, and with one more."""
    if isinstance(value, str):
        yield from (one.decode("latin-1") for one in _corruptions(value.encode("latin-1")))
    elif isinstance(value, bytes):
        yield from (value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :] for at in range(len(value)))
        yield from (value[:at] for at in range(len(value)))
        yield value + b"0"
    elif isinstance(value, Sealed):
        for name in Sealed.__slots__:
            yield from (replace(value, **{name: one}) for one in _corruptions(getattr(value, name)))
    else:
        yield value + 1


def test_a_row_with_any_altered_byte_or_a_part_of_another_row_is_broken() -> None:
    opener = cipher_of(KEY)
    row = seal_link(link_of("ana"), opener, 3, NOW)
    others = [seal_link(link_of(*name), opener, 3, NOW) for name in (("ben",), ("ana", "south"), ("ana",))]
    others.append(seal_link(replace(link_of("ana"), credential=OwnCredential("earlier")), opener, 2, NOW))
    bound = [name for name in SealedLink.__slots__ if name not in {"last_used_at", "ended_at", "email"}]
    damaged = [replace(row, **{name: one}) for name in bound for one in (*_corruptions(getattr(row, name)), None)]
    damaged += [replace(one, sealed=row.sealed) for one in others if one.associated != row.associated]
    damaged += [
        replace(row, sealed=replace(row.sealed, **{name: getattr(one.sealed, name)}))
        for one in others
        if row.sealed
        for name in ("nonce", "text")
    ]
    assert len(damaged) > 400
    for one in damaged:
        with pytest.raises(LinkBroken):
            open_link(one, opener)
    assert open_link(row, opener).credential == link_of("ana").credential


def test_the_same_secret_is_never_sealed_alike() -> None:
    sealer = cipher_of(KEY)
    assert len({sealer.seal(b"secret", b"").nonce for _ in range(100)}) == 100
    assert len({sealer.seal(b"secret", b"").text for _ in range(100)}) == 100


def test_a_key_is_random_names_itself_and_is_in_no_repr() -> None:
    assert make_vault_key() != make_vault_key()
    [key, other] = read_vault_keys([KEY, OLD_KEY])
    assert key.id != other.id
    assert key.id not in KEY
    assert key.secret.hex() not in repr(key)
    assert "1a1a" not in repr(cipher_of(KEY))
    assert "access-of-ana" not in repr(link_of("ana"))
    assert "refresh-of-ana" not in repr(link_of("ana"))


@pytest.mark.parametrize(
    "text", ["", "thv_", KEY[:-1], f"{KEY}0", KEY.upper(), KEY.replace("thv", "thk"), "a password"]
)
def test_a_text_that_is_no_key_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read_vault_keys([KEY, text])
    assert not text or text not in refused.value.message
    assert "`taskhand vault new-key`" in str(refused.value.next_step)


def test_nothing_is_sealed_without_a_key() -> None:
    with pytest.raises(OperatorError, match="There is no key"):
        Cipher(()).seal(b"secret", b"")
