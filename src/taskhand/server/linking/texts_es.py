"""The Spanish texts of the pages; pure."""

from collections.abc import Mapping
from typing import Final

__all__ = ["SPANISH"]

SPANISH: Final[Mapping[str, str]] = {
    "language": "Español",
    "title": "Vincular {crm}",
    "heading": "Vincula tu cuenta de {crm}",
    "for_whom": "Para",
    "connection": "Conexión",
    "purpose": "Tu asistente trabajará en {crm} como tú: con tus permisos y en tu nombre.",
    "purpose_of_any": "Tu asistente trabajará en {crm} con la clave que indiques y con los permisos de esa clave. "
    "{crm} no informa de quién es una clave.",
    "kept": "Taskhand guarda la credencial cifrada y no la muestra a nadie. Se puede quitar en cualquier momento.",
    "not_yours": "Si no eres {person} o no pediste esto, cierra esta página.",
    "consent_hint": "Inicia sesión en {crm} con tu propia cuenta y autoriza el acceso allí.",
    "consent": "Ir a {crm}",
    "paste_label": "Tu propia clave de API de {crm}",
    "paste_label_of_any": "Clave de API de {crm}",
    "paste_hint": "Cópiala desde tu configuración en {crm}. Se comprueba antes de guardarla.",
    "paste": "Comprobar y vincular",
    "prove_label": "Tu clave de Taskhand",
    "prove_hint": "{crm} se vincula solo para {person}, así que primero confirma que eres tú. La clave empieza con "
    "thk_ y está en la configuración de tu asistente.",
    "prove": "Continuar",
    "wrong_proof": "Esta clave no es de {person} o no está activa. Copia de nuevo la clave completa.",
    "no_key": "Esto no es una clave. Copia de nuevo la clave completa, sin comillas.",
    "key_refused": "{crm} no acepta esta clave. Copia de nuevo la clave completa.",
    "sign_in_hint": "{crm} se vincula solo para {person}, así que primero confirma que eres tú: inicia sesión como lo "
    "haces para usar tu asistente.",
    "sign_in": "Iniciar sesión",
    "leaving": "Continúa en {where}",
    "go_on": "Ir a {where}",
    "leaving_hint": "Si tu navegador no continúa automáticamente, usa este enlace.",
    "done": "{crm} está vinculado",
    "done_as": "Tu asistente ahora trabaja en {crm} como {member}.",
    "done_unnamed": "Tu asistente ahora trabaja en {crm} con la credencial que indicaste.",
    "done_shared": "{connection} usa esta misma credencial para todos, así que {crm} no puede distinguirte de los "
    "demás. Si tienes otra, vincula esa.",
    "done_next": "Cierra esta página y vuelve a tu asistente.",
    "unknown": "Este enlace no es válido",
    "unknown_hint": "Está incompleto o fue reemplazado por uno más nuevo. Pide un enlace nuevo a tu asistente.",
    "expired": "Este enlace venció",
    "expired_hint": "Era válido por diez minutos. Pide uno nuevo a tu asistente.",
    "used": "Este enlace ya se usó",
    "used_hint": "Cada enlace funciona una sola vez. Para vincular de nuevo, pide otro a tu asistente.",
    "other_browser": "Este enlace se abrió en otro navegador",
    "other_browser_hint": "Continúa allí o pide un enlace nuevo a tu asistente.",
    "stale": "Este formulario ya no está vigente",
    "stale_hint": "Abre la página de nuevo y envía el formulario desde allí. Tu navegador debe aceptar la cookie de la "
    "página.",
    "tries": "Hubo demasiados intentos",
    "tries_hint": "Pide un enlace nuevo a tu asistente.",
    "other_member": "Esta es la cuenta de otra persona",
    "other_member_hint": "Esta página es para {person}, pero según {crm} la cuenta es de {member}. No se guardó nada. "
    "Usa la cuenta de {person}.",
    "taken_member": "Esta es la cuenta de otra persona",
    "taken_member_hint": "No se guardó nada: {member} figura como otra persona, no como {person}. Si la cuenta es "
    "tuya, pide a quien administra Taskhand que agregue a people.toml el miembro de {connection} que corresponde a "
    "{person}.",
    "other_account": "Esta es otra cuenta de {crm}",
    "other_account_hint": "No se guardó nada: {connection} usa otra cuenta. Usa tu propio usuario de esa cuenta.",
    "unknown_member": "No se sabe de quién es esta cuenta",
    "unknown_member_hint": "No se guardó nada. Pide a quien administra Taskhand que agregue a people.toml el miembro "
    "de {connection} que corresponde a {person}.",
    "other_person": "Iniciaste sesión como otra persona",
    "other_person_hint": "Esta página es para {person}. No se vinculó nada. Inicia sesión como {person}. Si ya lo "
    "hiciste, avisa a quien administra Taskhand: el motivo está en el registro del servidor.",
    "not_signed_in": "No iniciaste sesión",
    "not_signed_in_hint": "No se vinculó nada. Puedes intentarlo de nuevo.",
    "denied": "No se autorizó el acceso",
    "denied_hint": "No se vinculó nada. Puedes intentarlo de nuevo.",
    "forbidden": "Esta cuenta no tiene permisos suficientes en {crm}",
    "forbidden_hint": "No se vinculó nada. Quien administra {crm} puede dar a la cuenta permiso para leer y cambiar "
    "tareas.",
    "crm_failed": "No se pudo conectar con {crm}",
    "crm_failed_hint": "No se vinculó nada. Inténtalo de nuevo en un momento.",
    "app_refused": "{crm} no permitió la aplicación",
    "app_refused_hint": "No se vinculó nada. Inténtalo de nuevo; si {crm} vuelve a rechazarla, avisa a quien "
    "administra Taskhand: el motivo está en el registro del servidor.",
    "lost": "Esta respuesta es de otra página",
    "lost_hint": "Ya se usó o pertenece a otro navegador. Abre tu enlace de nuevo o pide uno nuevo a tu asistente.",
    "not_possible": "{connection} no se puede vincular en una página",
    "not_possible_hint": "Pide a quien administra Taskhand que la vincule con: taskhand people link",
    "unavailable": "Esto no funciona en este momento",
    "unavailable_hint": "No se vinculó nada. Avisa a quien administra Taskhand: el motivo está en el registro del "
    "servidor.",
    "again": "Abrir la página de nuevo",
}
