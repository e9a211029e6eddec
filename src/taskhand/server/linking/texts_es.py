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
    "purpose": "Tu asistente trabajará en {crm} como tú: con tus permisos y a tu nombre.",
    "purpose_of_any": "Tu asistente trabajará en {crm} con la clave que des, y sus permisos. {crm} no dice de quién es "
    "una clave.",
    "kept": "Taskhand guarda la credencial cifrada y no la muestra a nadie. Se puede quitar en cualquier momento.",
    "not_yours": "Si no eres {person}, o no pediste esto, cierra esta página.",
    "consent_hint": "Inicias sesión en {crm}, con tu propia cuenta, y das acceso allí.",
    "consent": "Continuar a {crm}",
    "paste_label": "Tu propia clave API de {crm}",
    "paste_label_of_any": "Clave API de {crm}",
    "paste_hint": "Cópiala de tus ajustes en {crm}. Se prueba antes de guardarla.",
    "paste": "Comprobar y vincular",
    "prove_label": "Tu clave de Taskhand",
    "prove_hint": "{crm} se vincula solo para {person}, así que primero demuestra que eres tú. La clave empieza por "
    "thk_ y está en los ajustes de tu asistente.",
    "prove": "Continuar",
    "wrong_proof": "Esta no es una clave de {person}, o no está activa. Cópiala otra vez, completa.",
    "no_key": "Esto no puede ser una clave. Cópiala otra vez, completa y sin comillas.",
    "key_refused": "{crm} no acepta esta clave. Cópiala otra vez, completa.",
    "sign_in_hint": "{crm} se vincula solo para {person}, así que primero demuestra que eres tú: inicia sesión como lo "
    "haces para tu asistente.",
    "sign_in": "Iniciar sesión",
    "leaving": "Continúa en {where}",
    "go_on": "Continuar a {where}",
    "leaving_hint": "Si tu navegador no sigue por sí solo, usa este enlace.",
    "done": "{crm} está vinculado",
    "done_as": "Tu asistente trabaja ahora en {crm} como {member}.",
    "done_unnamed": "Tu asistente trabaja ahora en {crm} con la credencial que diste.",
    "done_shared": "Es la que {connection} usa para todos, así que nada en {crm} te distingue de los demás. Si tienes "
    "otra, vincula esa.",
    "done_next": "Cierra esta página y sigue donde lo pediste.",
    "unknown": "Este enlace no abre nada",
    "unknown_hint": "No está completo, o lo reemplazó uno más nuevo. Pide a tu asistente un enlace nuevo.",
    "expired": "Este enlace ha caducado",
    "expired_hint": "Valía diez minutos. Pide uno nuevo a tu asistente.",
    "used": "Este enlace ya se usó",
    "used_hint": "Un enlace sirve una vez. Para vincular de nuevo, pide otro a tu asistente.",
    "other_browser": "Este enlace se abrió en otro navegador",
    "other_browser_hint": "Sigue allí, o pide a tu asistente un enlace nuevo.",
    "stale": "Este formulario ya no es actual",
    "stale_hint": "Abre la página otra vez y envía el formulario desde allí. Tu navegador tiene que aceptar su cookie.",
    "tries": "Hubo demasiados intentos",
    "tries_hint": "Pide a tu asistente un enlace nuevo.",
    "other_member": "Esta es la cuenta de otra persona",
    "other_member_hint": "Esta página es para {person}, y {crm} dice que la cuenta es de {member}. No se guardó nada. "
    "Usa la cuenta de {person}.",
    "taken_member": "Esta es la cuenta de otra persona",
    "taken_member_hint": "No se guardó nada: {member} consta como otra persona que {person}. Si la cuenta es tuya, di "
    "a quien administra Taskhand que people.toml tiene que decir quién es {person} en {connection}.",
    "other_account": "Esta es otra cuenta de {crm}",
    "other_account_hint": "No se guardó nada: no es la cuenta de {connection}. Usa la tuya de esa cuenta.",
    "unknown_member": "Nadie puede decir de quién es esta cuenta",
    "unknown_member_hint": "No se guardó nada. Di a quien administra Taskhand que people.toml tiene que decir quién es "
    "{person} en {connection}.",
    "other_person": "Iniciaste sesión como otra persona",
    "other_person_hint": "Esta página es para {person}. No se vinculó nada. Inicia sesión como {person}. Si ya lo "
    "hiciste, avisa a quien administra Taskhand: su registro dice más.",
    "not_signed_in": "No iniciaste sesión",
    "not_signed_in_hint": "No se vinculó nada. Puedes intentarlo otra vez.",
    "denied": "No se dio acceso",
    "denied_hint": "No se vinculó nada. Puedes intentarlo otra vez.",
    "forbidden": "Esta cuenta puede hacer muy poco en {crm}",
    "forbidden_hint": "No se vinculó nada. Quien administra {crm} puede permitirle leer y cambiar tareas.",
    "crm_failed": "No se pudo preguntar a {crm}",
    "crm_failed_hint": "No se vinculó nada. Inténtalo otra vez en un momento.",
    "app_refused": "{crm} no permitió la aplicación",
    "app_refused_hint": "No se vinculó nada. Inténtalo otra vez; si {crm} vuelve a decir que no, avisa a quien "
    "administra Taskhand: su registro dice qué rechazó {crm}.",
    "lost": "Esta respuesta es de otra página",
    "lost_hint": "Ya se usó, o es de otro navegador. Abre tu enlace otra vez, o pide a tu asistente uno nuevo.",
    "not_possible": "{connection} no se puede vincular en una página",
    "not_possible_hint": "Di a quien administra Taskhand que la vincule con: taskhand people link",
    "unavailable": "Esto no funciona en este momento",
    "unavailable_hint": "No se vinculó nada. El registro de Taskhand dice por qué; avisa a quien lo administra.",
    "again": "Abrir la página otra vez",
}
