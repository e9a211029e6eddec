"""The demo account: a sales team in Santiago, its contacts and companies, and a few weeks of tasks around today."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from taskhand.sandbox.hubspot.dates import format_instant

MARIA, JUAN, OTHER_JUAN, CAMILA, LUCIA = "6166860", "6166861", "6166862", "6166863", "6166864"
UI = '<div style="" dir="auto" data-top-level="true">{}</div>'  # as the web app wraps a note


def _owner(number: str, first: str, last: str, email: str, user: int, *, archived: bool = False) -> dict[str, Any]:
    teams = [{"id": "178588", "name": "Ventas"}]
    row = {"id": number, "firstName": first, "lastName": last, "email": email, "userId": user, "teams": teams}
    return row | {"archived": archived}


OWNERS: tuple[dict[str, Any], ...] = (
    _owner(MARIA, "María", "Rodríguez", "maria.rodriguez@company.example", 1296619),
    _owner(JUAN, "Juan", "Pérez", "juan.perez@company.example", 1296620),
    _owner(OTHER_JUAN, "Juan", "Pérez", "jp.ventas@company.example", 1296621),  # the same name on purpose
    _owner(CAMILA, "Camila", "Soto", "camila.soto@company.example", 1296622),
    _owner(LUCIA, "Lucía", "Fernández", "lucia.fernandez@company.example", 1296623, archived=True),
)
_COMPANIES = (  # name, domain, phone
    ("Viña Los Robles", "losrobles.example", "+56 2 2345 6701"),
    ("Andes Logística", "andeslogistica.example", "+56 2 2345 6702"),
    ("Clínica Santa Elena", "santaelena.example", "+56 2 2345 6703"),
    ("Panadería Aurora", "aurora.example", None),
    ("Ferretería El Roble", "elroble.example", "+56 2 2345 6705"),
)
_CONTACTS = (  # first name, last name, e-mail, phone, company
    ("Rosa", "Fuentes", "rosa.fuentes@losrobles.example", "+56 9 6123 4501", 0),
    ("Tomás", "Ibáñez", "tomas.ibanez@losrobles.example", "+56 9 6123 4502", 0),
    ("Valentina", "Rojas", "vrojas@andeslogistica.example", "+56 9 6123 4503", 1),
    ("Pedro", "Araya", "paraya@andeslogistica.example", None, 1),
    ("Elena", "Vidal", "elena.vidal@santaelena.example", "+56 9 6123 4505", 2),
    ("Héctor", "Lagos", None, "+56 9 6123 4506", 3),
    ("Aurora", "Muñoz", "hola@aurora.example", "+56 9 6123 4507", 3),
    ("Rosa", "Fuentes", "rosa@elroble.example", "+56 9 6123 4508", 4),  # another contact with this name
)


class _DemoTask(NamedTuple):
    """One task: `day` counts from today, `time` None is all day, `owner` None is unassigned."""

    subject: str
    status: str
    priority: str
    owner: str | None
    day: int
    time: str | None = None
    type: str = "TODO"
    contact: int | None = None
    body: str | None = None


_ROWS = (
    _DemoTask("Llamar a Rosa por la cosecha", "NOT_STARTED", "HIGH", MARIA, 0, "15:00", "CALL", 0),
    _DemoTask("Enviar propuesta a Andes Logística", "IN_PROGRESS", "HIGH", JUAN, 0, "18:30", "EMAIL", 2),
    _DemoTask("Preparar demo para la clínica", "IN_PROGRESS", "MEDIUM", CAMILA, 1, "11:00", "TODO", 4),
    _DemoTask("Revisar contrato", "NOT_STARTED", "MEDIUM", MARIA, 1, None, "TODO", 1),
    _DemoTask("Seguimiento de cotización", "WAITING", "LOW", OTHER_JUAN, 2, "10:00", "EMAIL", 3),
    _DemoTask("Agendar visita a bodega", "NOT_STARTED", "NONE", JUAN, 3, None, "TODO", 2),
    _DemoTask("Confirmar reunión mensual", "NOT_STARTED", "LOW", MARIA, 4, "09:30", "CALL", 0),
    _DemoTask("Actualizar datos de contacto", "DEFERRED", "NONE", CAMILA, 10, None, "TODO", 5),
    _DemoTask("Pedir referencias", "DEFERRED", "LOW", None, 14, None, "EMAIL", 6),
    _DemoTask("Cobrar factura 1183", "NOT_STARTED", "HIGH", OTHER_JUAN, -2, "12:00", "CALL", 7),
    _DemoTask("Responder reclamo de despacho", "IN_PROGRESS", "HIGH", MARIA, -1, "16:00", "EMAIL", 3),
    _DemoTask("Revisar precios de lista", "NOT_STARTED", "MEDIUM", JUAN, -5, None),
    _DemoTask("Enviar catálogo", "COMPLETED", "LOW", MARIA, -3, "10:00", "EMAIL", 0),
    _DemoTask("Llamada de bienvenida", "COMPLETED", "MEDIUM", CAMILA, -6, "11:30", "CALL", 4),
    _DemoTask("Firmar acuerdo marco", "COMPLETED", "HIGH", JUAN, -8, None, "TODO", 2),
    _DemoTask("Cargar notas de la feria", "COMPLETED", "NONE", OTHER_JUAN, -12, None),
    _DemoTask("Preparar informe semanal", "NOT_STARTED", "MEDIUM", MARIA, 5, "17:00"),
    _DemoTask("Coordinar capacitación", "WAITING", "MEDIUM", CAMILA, 6, "09:00", "TODO", 4),
    _DemoTask("Esperar orden de compra", "WAITING", "HIGH", JUAN, 7, None, "TODO", 3),
    _DemoTask("Renovar plan anual", "NOT_STARTED", "HIGH", MARIA, 9, "12:30", "CALL", 6),
    _DemoTask("Conectar en LinkedIn", "NOT_STARTED", "LOW", OTHER_JUAN, 2, None, "LINKED_IN_CONNECT", 1),
    _DemoTask("Revisar stock", "IN_PROGRESS", "NONE", CAMILA, 0, None, "TODO", 7),
    _DemoTask("Visita en terreno", "NOT_STARTED", "MEDIUM", LUCIA, 8, "10:30", "MEETING", 0),  # the owner is archived
    _DemoTask("Ordenar carpeta de clientes", "NOT_STARTED", "NONE", None, 20, None),
    _DemoTask("Llamar a Héctor", "NOT_STARTED", "LOW", JUAN, 1, "16:45", "CALL", 5),
)
DEAL = 301
_OF_DEAL = frozenset({1, 19})  # the indexes of its tasks
_BODIES = {  # by the index of the row
    0: UI.format("<p>Preguntar por <strong>volumen</strong> y fecha de despacho.</p>"),
    1: UI.format("<ul><li>Precio</li><li>Plazos &amp; garantías</li></ul>"),
    3: "Cláusula 7: plazo de pago.",
    9: "<p>Tercer aviso.<br>Ofrecer dos cuotas.</p>",
    17: UI.format("<p>Sala, proyector, <a href='https://santaelena.example'>programa</a>.</p>"),
}


PROPERTIES: tuple[dict[str, Any], ...] = (
    {
        "name": "sales_region",
        "label": "Región de ventas",
        "type": "enumeration",
        "options": [{"value": name.lower(), "label": name} for name in ("Norte", "Centro", "Sur")],
    },
    {"name": "order_number", "label": "Número de pedido", "hasUniqueValue": True},
)
_OWN = {0: {"sales_region": "centro", "order_number": "P-1001"}, 9: {"sales_region": "sur"}}  # by the row's index


def demo(now: dt.datetime) -> dict[str, Any]:
    """Return the demo as a seed, dated around `now`."""
    return {
        "owners": OWNERS,
        "companies": [_company(n, row) for n, row in enumerate(_COMPANIES)],
        "contacts": [_contact(n, row) for n, row in enumerate(_CONTACTS)],
        "properties": PROPERTIES,
        "deals": [{"id": DEAL, "properties": {"dealname": "Plan anual 2026", "amount": "4800000"}}],
        "tasks": [_task(n, row, now) for n, row in enumerate(_ROWS)],
    }


def _company(number: int, row: tuple[str, str, str | None]) -> dict[str, Any]:
    name, domain, phone = row
    properties = {"name": name, "domain": domain, "website": f"https://{domain}"}
    return {"id": 201 + number, "properties": properties | ({"phone": phone} if phone else {})}


def _contact(number: int, row: tuple[str, str, str | None, str | None, int]) -> dict[str, Any]:
    first, last, email, phone, company = row
    known = {"firstname": first, "lastname": last, "email": email, "phone": phone}
    known |= {"company": _COMPANIES[company][0], "associatedcompanyid": str(201 + company)}
    return {"id": 101 + number, "properties": {name: text for name, text in known.items() if text}}


def _task(number: int, row: _DemoTask, now: dt.datetime) -> dict[str, Any]:
    properties = {
        "hs_task_subject": row.subject,
        "hs_task_status": row.status,
        "hs_task_priority": row.priority,
        "hs_task_type": row.type,
        "hs_timestamp": _due(row, now),
        "hs_task_is_all_day": "true" if row.time is None else "false",
    }
    optional = {"hubspot_owner_id": row.owner, "hs_task_body": _BODIES.get(number)}
    links: dict[str, Any] = {"deals": [DEAL]} if number in _OF_DEAL else {}
    if row.contact is not None:
        links |= {"contacts": [101 + row.contact], "companies": [201 + _CONTACTS[row.contact][-1]]}
    made = now - dt.timedelta(days=30, minutes=-number)
    properties |= {name: text for name, text in optional.items() if text} | _OWN.get(number, {})
    return {"properties": properties, "createdAt": format_instant(made)} | links


def _due(row: _DemoTask, now: dt.datetime) -> str:
    time = dt.time.fromisoformat(row.time or "00:00")
    return format_instant(dt.datetime.combine(now.date() + dt.timedelta(days=row.day), time, dt.UTC))
