"""The settings of a server for several people: authentication, shared state and encryption."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from taskhand.backends.factory import SettingKind
from taskhand.config.server_settings import ServerSettings, check_database_address
from taskhand.config.shared_secrets import check_state_keys, check_vault_keys

__all__ = ["TeamSettings"]


class TeamSettings(ServerSettings):
    """The settings for callers over HTTP."""

    state: Annotated[
        SecretStr | None,
        AfterValidator(check_database_address),
        Field(
            alias="TASKHAND_STATE",
            description="`postgresql://USER:PASSWORD@HOST/DATABASE`: the database that several HTTP servers share for "
            "the journal with its plans and claims, keys, linked credentials and tickets, and feeds of changes (extra "
            "`postgres`); default: files.",
        ),
        SettingKind.GUARD,
    ] = None
    state_key: Annotated[
        SecretStr | None,
        AfterValidator(check_state_keys),
        Field(
            alias="TASKHAND_STATE_KEY",
            description="Key of at least 32 characters that several HTTP servers share, so that each can use the "
            "answer to a question of another one; several, separated by commas: the first encrypts, all are accepted; "
            "default: one for each process.",
        ),
        SettingKind.GUARD,
    ] = None
    person: Annotated[
        str | None,
        Field(
            alias="TASKHAND_PERSON",
            description="The caller if callers are not identified, as over standard input and output: the e-mail "
            "address or id in the policy and the journal; default: nobody.",
        ),
    ] = None
    people: Annotated[
        Path | None,
        Field(
            alias="TASKHAND_PEOPLE",
            description="The file that maps people to members of the CRMs; default: `people.toml` beside the "
            "configuration file.",
        ),
    ] = None
    policy: Annotated[
        Path | None,
        Field(
            alias="TASKHAND_POLICY",
            description="The file with the rules for people and groups; default: `policy.toml` beside the "
            "configuration file.",
        ),
    ] = None
    keys: Annotated[
        Path | None,
        Field(
            alias="TASKHAND_KEYS",
            description="The file with the hashes of callers' keys; default: `keys.sqlite` in the user's data folder.",
        ),
    ] = None
    issuers: Annotated[
        str | None,
        Field(
            alias="TASKHAND_ISSUERS",
            description="With `--auth oauth`: the issuers whose tokens are accepted, by their own identifiers, "
            "separated by commas; `--issuer` overrides it.",
        ),
        SettingKind.COMMA_LIST,
        SettingKind.GUARD,
    ] = None
    resource: Annotated[
        str | None,
        Field(
            alias="TASKHAND_RESOURCE",
            description="The server's address for callers, such as `https://tasks.example.com/mcp`: tokens must be for "
            "it, and people link credentials at its host; `--resource` overrides it; default on this machine: the "
            "address that is served.",
        ),
    ] = None
    webhooks: Annotated[
        bool,
        Field(
            alias="TASKHAND_WEBHOOKS",
            description="`true` accepts webhooks of CRMs over HTTP at `/webhooks/CONNECTION`, as `--webhooks` does; "
            "default `false`.",
        ),
        SettingKind.GUARD,
    ] = False
    public_url: Annotated[
        str | None,
        Field(
            alias="TASKHAND_PUBLIC_URL",
            description="The server's address for webhooks of CRMs, such as "
            "`https://tasks.example.com`; `--public-url` overrides it; default: that of TASKHAND_RESOURCE.",
        ),
    ] = None
    audiences: Annotated[
        str | None,
        Field(
            alias="TASKHAND_AUDIENCES",
            description="Further audiences (`aud`) of tokens for this server, separated by commas, if an issuer uses "
            "another name than its address.",
        ),
        SettingKind.COMMA_LIST,
        SettingKind.GUARD,
    ] = None
    scope_prefix: Annotated[
        str | None,
        Field(
            alias="TASKHAND_SCOPE_PREFIX",
            description="The issuer's prefix of scopes, such as `api://1234/` of Entra; default: none.",
        ),
    ] = None
    groups_claim: Annotated[
        str,
        Field(
            alias="TASKHAND_GROUPS_CLAIM",
            description="The claim of tokens with the groups of `policy.toml` that a person is in; default `groups`.",
        ),
    ] = "groups"
    verified_emails: Annotated[
        str | None,
        Field(
            alias="TASKHAND_VERIFIED_EMAILS",
            description="Issuers that verify all e-mail addresses, separated by commas, although their tokens lack "
            "`email_verified`; default: none.",
        ),
        SettingKind.COMMA_LIST,
        SettingKind.GUARD,
    ] = None
    introspection_client: Annotated[
        str | None,
        Field(
            alias="TASKHAND_INTROSPECTION_CLIENT",
            description="The client that asks the first issuer about opaque tokens; default: these are refused.",
        ),
    ] = None
    introspection_secret: Annotated[
        SecretStr | None,
        Field(alias="TASKHAND_INTROSPECTION_SECRET", description="The secret of that client."),
    ] = None
    sign_in_client: Annotated[
        str | None,
        Field(alias="TASKHAND_SIGN_IN_CLIENT", description="The client for the sign-in on the page; default: none."),
    ] = None
    sign_in_secret: Annotated[
        SecretStr | None,
        Field(alias="TASKHAND_SIGN_IN_SECRET", description="The secret of that client."),
    ] = None
    vault_key: Annotated[
        SecretStr | None,
        AfterValidator(check_vault_keys),
        Field(
            alias="TASKHAND_VAULT_KEY",
            description="Key that encrypts the credentials that people link, made with `taskhand vault new-key`; "
            "several keys, separated by commas: the first encrypts, all decrypt; default: nobody can link one.",
        ),
        SettingKind.GUARD,
    ] = None
    links: Annotated[
        Path | None,
        Field(
            alias="TASKHAND_LINKS",
            description="The file with the encrypted credentials that people have linked; default: "
            "`links.sqlite` beside the file of `TASKHAND_KEYS`.",
        ),
    ] = None
