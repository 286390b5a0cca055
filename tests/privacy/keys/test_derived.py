"""What is derived from a key: pseudonyms, marks, audiences and sealed rows, by known answers."""

import hmac

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from customer_profiles.privacy.keys.key import FILE, SAMPLE, VARIABLE, AnotherKey, Damaged, Key
from tests.privacy.keys.refusing import KEY, PAGES, refusal


def test_two_keys_share_nothing():
    one, other = Key(KEY), Key(bytes(32))
    assert one.pseudonym("post", "1") != other.pseudonym("post", "1")
    assert one.fingerprint() != other.fingerprint()
    assert one.audience(PAGES) != other.audience(PAGES)


def test_two_archives_under_one_key_are_two_audiences():
    key = Key(KEY)
    assert key.audience(PAGES) != key.audience(SAMPLE)


def test_a_post_and_an_author_of_the_same_id_differ():
    key = Key(KEY)
    assert key.pseudonym("post", "12") != key.pseudonym("author", "12")
    assert key.pseudonyms("post", ["12", "3"]) == [
        key.pseudonym("post", "12"),
        key.pseudonym("post", "3"),
    ]


def test_a_pseudonym_is_the_hmac_of_the_id_under_a_derived_key():
    # HKDF with SHA-256, no salt and one block of output, by RFC 5869, 2.2 and 2.3.
    extracted = hmac.digest(bytes(32), KEY, "sha256")
    derived = hmac.digest(extracted, b"pseudonyms\x01", "sha256")
    expected = hmac.digest(derived, b"post:12", "sha256").hex()[:32]
    assert Key(KEY).pseudonym("post", "12") == expected


def test_the_mark_of_a_pseudonym_is_made_under_another_key_than_the_pseudonym():
    key, pseudonym = Key(KEY), Key(KEY).pseudonym("post", "12")
    derived = hmac.digest(hmac.digest(bytes(32), KEY, "sha256"), b"tombstones\x01", "sha256")
    expected = hmac.digest(derived, pseudonym.encode(), "sha256").hex()[:32]
    assert key.mark(pseudonym) == expected != pseudonym


def test_a_sealed_row_is_encrypted_under_a_key_of_its_own_behind_the_fingerprint():
    derived = hmac.digest(hmac.digest(bytes(32), KEY, "sha256"), b"sealed rows\x01", "sha256")
    sealed = Key(KEY).seal_row(b"values", b"row 12")
    assert sealed == Key(KEY).seal_row(b"values", b"row 12")
    assert sealed[:8].hex() == Key(KEY).fingerprint()
    assert AESGCMSIV(derived).decrypt(bytes(12), sealed[8:], b"row 12") == b"values"
    assert Key(KEY).unseal_row(sealed, b"row 12") == b"values"


def test_a_sealed_row_is_refused_as_another_row_and_when_it_was_changed():
    sealed = Key(KEY).seal_row(b"values", b"row 12")
    for changed, about in ((sealed, b"row 13"), (sealed[:-1], b"row 12"), (b"", b"row 12")):
        message = refusal(Damaged, lambda row=changed, name=about: Key(KEY).unseal_row(row, name))
        assert "a sealed row is damaged: run `dvc repro -f score`, which makes the rows" in message
        assert "a row of the stream comes from its pages, by `make repro X_ARCHIVE=" in message


def test_a_row_that_another_key_sealed_names_both_fingerprints():
    one, other = Key(KEY), Key(bytes(32))
    sealed = other.seal_row(b"values", b"row 12")
    message = refusal(AnotherKey, lambda: one.unseal_row(sealed, b"row 12"))
    assert (
        f"it was sealed with the key of fingerprint {other.fingerprint()}, and this one's is "
        f"{one.fingerprint()}: restore that key in {VARIABLE} or {FILE}" in message
    )


def test_a_key_of_another_length_is_refused():
    assert "32 bytes, got 31" in refusal(ValueError, lambda: Key(KEY[:31]))
