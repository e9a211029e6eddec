"""The demo organisation: a sales team in Santiago, its contacts, and a few weeks of tasks around today."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, NamedTuple

NAMESPACE = uuid.UUID("b3d5f1c8-2e47-4c0a-8a6b-9d1e7f20c354")  # Taskhand's own; the demo's ids are derived from it
ZONE = "America/Santiago"
STAGE = str(uuid.uuid5(NAMESPACE, "stage"))
ORGANISATION = str(uuid.uuid5(NAMESPACE, "organisation"))

MARIA = "228d7a0d-9072-4ca8-939b-959b75cc606a"  # the sample of get-all-team-members
JUAN = "338e8b1e-8183-5db9-a4ab-a6ab86dd717b"  # the second responsible in the sample of update-task


class _DemoContact(NamedTuple):
    """One contact of the demo; contacts of one company share a customer."""

    name: str
    phone: str | None
    email: str | None
    company: str | None
    platform: str
    days_ago: int


class _DemoTask(NamedTuple):
    """One task of the demo: `day` counts from today, None is undated; `time` None is all day."""

    title: str
    status: str
    priority: str
    who: tuple[str, ...]
    day: int | None
    time: str | None = None
    contact: str | None = None
    description: str | None = None


def _id(name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, name))


CAMILA, OTHER_JUAN, DIEGO, LUCIA = (_id(f"member {n}") for n in ("camila", "juan 2", "diego", "lucia"))

_MEMBERS = (
    (MARIA, "Maria", "Rodriguez", "maria.rodriguez@company.com", "+56912345678", True),
    (JUAN, "Juan", "Pérez", "juan.perez@company.com", "+56922334455", True),
    (OTHER_JUAN, "Juan", "Pérez", "jp.ventas@company.com", "+56933445566", True),  # the same name on purpose
    (CAMILA, "Camila", "Soto", "camila.soto@company.com", "+56944556677", True),
    (DIEGO, "Diego", "Muñoz", "diego.munoz@company.com", None, True),
    (LUCIA, "Lucía", "Fernández", "lucia.fernandez@company.com", None, False),  # no longer in the team
)

_STATUSES = (
    ("Pendiente", "#60a5fa", "initial", 1),
    ("En Progreso", "#fbbf24", "in_progress", 2),
    ("Completado", "#34d399", "done", 3),
    ("Archivado", "#9ca3af", "master_done", 4),
)

_PEOPLE = (
    _DemoContact("Valentina Rojas", "+56987654321", "valentina@panaderiarojas.cl", "Panadería Rojas", "whatsapp", 0),
    _DemoContact("Valentina Rojas", None, "valentina@panaderiarojas.cl", "Panadería Rojas", "instagram", 3),
    _DemoContact(
        "Andrés Gutiérrez", "+56911223344", "andres.gutierrez@ferreteriasur.cl", "Ferretería Sur", "whatsapp", 1
    ),
    _DemoContact("Sofía Castro", "+573001234567", "sofia.castro@cafeandino.co", "Café Andino", "whatsapp", 2),
    _DemoContact("Mateo Vargas", "+5491123456789", "mateo@vargasautos.com.ar", "Vargas Autos", "whatsapp", 5),
    _DemoContact(
        "Isabella Torres", "+525512345678", "isabella.torres@clinicatorres.mx", "Clínica Torres", "webchat", 7
    ),
    _DemoContact("Joaquín Silva", "+56955667788", None, None, "whatsapp", 9),
    _DemoContact("Renata Flores", "+51987654321", "renata@floreslima.pe", "Flores Lima", "whatsapp", 14),
    _DemoContact("Tomás Herrera", None, "tomas.herrera@inmobiliariaherrera.cl", "Inmobiliaria Herrera", "webchat", 21),
    _DemoContact("Antonia Núñez", "+56966778899", "antonia.nunez@example.com", None, "instagram", 45),
    _DemoContact("Benjamín Díaz", "+56977889900", "benjamin@diazlogistica.cl", "Díaz Logística", "whatsapp", 120),
    _DemoContact("Paula Morales", "+56988990011", "paula.morales@example.com", None, "whatsapp", 400),
)

_TASKS = (
    _DemoTask("Llamar a Valentina por la renovación", "Pendiente", "2", (MARIA,), 0, "15:00", "Valentina Rojas",
         "Vence el contrato anual. Ofrecer el plan de 12 meses."),
    _DemoTask("Enviar cotización a Ferretería Sur", "En Progreso", "2", (MARIA, JUAN), 1, "10:30", "Andrés Gutiérrez"),
    _DemoTask("Preparar demo para Café Andino", "Pendiente", "1", (CAMILA,), 2, "09:00", "Sofía Castro"),
    _DemoTask("Revisar el catálogo de repuestos", "Pendiente", "0", (DIEGO,), 3, None, "Mateo Vargas"),
    _DemoTask("Agendar visita a Clínica Torres", "Pendiente", "1", (OTHER_JUAN,), 4, "16:45", "Isabella Torres"),
    _DemoTask("Responder consulta por WhatsApp", "Pendiente", "2", (JUAN,), -1, "18:00", "Joaquín Silva"),
    _DemoTask("Cobrar factura pendiente", "Pendiente", "2", (MARIA,), -3, None, "Renata Flores"),
    _DemoTask("Actualizar datos del cliente", "En Progreso", "0", (CAMILA,), -5, None, "Tomás Herrera"),
    _DemoTask("Enviar contrato firmado", "Completado", "1", (MARIA,), -2, "12:00", "Valentina Rojas"),
    _DemoTask("Seguimiento después de la demo", "Completado", "1", (DIEGO,), -7, "11:15", "Sofía Castro"),
    _DemoTask("Cerrar la campaña de septiembre", "Archivado", "0", (CAMILA, DIEGO), -20, None),
    _DemoTask("Confirmar medio de pago", "Pendiente", "1", (JUAN,), 7, None, "Benjamín Díaz"),
    _DemoTask("Preparar informe mensual", "Pendiente", "1", (MARIA, CAMILA), 11, None),
    _DemoTask("Reunión de equipo", "Pendiente", "0", (MARIA, JUAN, OTHER_JUAN, CAMILA, DIEGO), 1, "09:30"),
    _DemoTask("Llamar a Antonia", "Pendiente", "0", (OTHER_JUAN,), 14, "23:30", "Antonia Núñez",
         "Pidió que la llamen tarde."),
    _DemoTask("Ordenar las etiquetas del CRM", "Pendiente", "0", (DIEGO,), None),
    _DemoTask("Escribir guion de bienvenida", "En Progreso", "1", (CAMILA,), None, None, None,
         "Para el asistente de WhatsApp."),
    _DemoTask("Buscar referencias en Lima", "Pendiente", "0", (JUAN,), None, None, "Renata Flores"),
    _DemoTask("Revisar permisos de la cuenta", "Pendiente", "2", (), None),
    _DemoTask("Traspasar la cartera de Lucía", "En Progreso", "2", (LUCIA, MARIA), 5, None, None,
         "Lucía ya no está en el equipo."),
    _DemoTask("Validar el inventario", "Pendiente", "1", (DIEGO,), 0, None, "Mateo Vargas"),
    _DemoTask("Enviar encuesta de satisfacción", "Pendiente", "0", (CAMILA,), 21, "08:00", "Isabella Torres"),
    _DemoTask("Negociar el descuento por volumen", "En Progreso", "2", (MARIA,), 2, "17:30", "Andrés Gutiérrez"),
    _DemoTask("Reactivar el contacto antiguo", "Pendiente", "0", (OTHER_JUAN,), 30, None, "Paula Morales"),
    _DemoTask("Archivar los chats resueltos", "Archivado", "0", (JUAN,), -30, None),
)  # fmt: skip


def members_and_statuses() -> dict[str, Any]:
    """Return the members and statuses, which are also in the seed "empty"."""
    keys = ("id", "first_name", "last_name", "email", "phone", "active")
    members = [dict(zip(keys, row, strict=True)) for row in _MEMBERS]
    named = [row | {"name": f"{row['first_name']} {row['last_name']}"} for row in members]
    statuses = [
        {"id": _id(f"status {name}"), "name": name, "color": color, "type": kind, "order": order}
        for name, color, kind, order in _STATUSES
    ]
    return {"members": named, "statuses": statuses}


def demo(now: dt.datetime) -> dict[str, Any]:
    """Return the contacts and tasks, dated around `now`."""
    contacts = [_contact(person, now) for person in _PEOPLE]
    by_name = {contact["name"]: contact for contact in reversed(contacts)}
    tasks = [_task(row, number, by_name, now) for number, row in enumerate(_TASKS)]
    return {"contacts": contacts, "tasks": [*tasks, _foreign(now), _deleted(now)]}


def _contact(person: _DemoContact, now: dt.datetime) -> dict[str, Any]:
    heard = now - dt.timedelta(days=person.days_ago, hours=1)
    return {
        "id": _id(f"contact {person.name} {person.platform}"),
        "name": person.name,
        "phone": person.phone,
        "email": person.email,
        "platform": person.platform,
        "last_message_at": heard.isoformat(),
        "chat_status": "UNATTENDED" if person.days_ago == 0 else "ATTENDED",
        "created_at": (heard - dt.timedelta(days=60)).isoformat(),
        "client_id": ORGANISATION,
        "ai_customer_id": _id(f"customer {person.company}") if person.company else None,
        "default_stage_id": STAGE,
    }


def _task(row: _DemoTask, number: int, contacts: dict[str, dict[str, Any]], now: dt.datetime) -> dict[str, Any]:
    contact = contacts[row.contact] if row.contact else {}
    due = {} if row.day is None else {"dueDate": _day(now, row.day), "dueTime": row.time, "timezone": ZONE}
    return due | {
        "id": _id(f"task {number}"),
        "title": row.title,
        "description": row.description,
        "status": row.status,
        "priority": row.priority,
        "responsibleIds": row.who,
        "aiContactId": contact.get("id"),
        "aiCustomerId": contact.get("ai_customer_id"),
        "createdAt": (now - dt.timedelta(days=40 - number)).isoformat(),
        "creatorId": MARIA,
    }


def _foreign(now: dt.datetime) -> dict[str, Any]:
    """Return a task of another organisation, which the key must not see."""
    other = {"id": _id("task foreign"), "title": "De otra organización", "foreign": True}
    return other | {"createdAt": now.isoformat(), "creatorId": _id("member foreign")}


def _deleted(now: dt.datetime) -> dict[str, Any]:
    """Return a task that was deleted before `now`."""
    return {"id": _id("task deleted"), "title": "Duplicada", "deleted": True, "createdAt": now.isoformat()}


def _day(now: dt.datetime, offset: int) -> str:
    return str(now.date() + dt.timedelta(days=offset))
