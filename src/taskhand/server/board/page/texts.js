// What the page says, in English and Spanish; {0} is filled in.
const TEXTS = {
  apply: 'Apply|Aplicar',
  as_of: 'as of {0}|a las {0}',
  by_day: 'By day|Por día',
  by_status: 'By status|Por estado',
  cancelled: 'Cancelled|Cancelada',
  changes: 'Changes|Cambios',
  complete: 'Complete: {0}|Completar: {0}',
  create: 'New: |Nueva: ',
  cut: 'incomplete answer|respuesta incompleta',
  delete: 'Delete: |Eliminar: ',
  discard: 'Discard|Descartar',
  discarded: 'Nothing was changed|No se cambió nada',
  done: 'Done|Hechas',
  due: 'due|fecha',
  earlier: 'Earlier: {0}|Antes: {0}',
  give: 'Give|Asignar',
  give_to: 'Give to…|Asignar a…',
  high: 'High|Alta',
  later: 'Later: {0}|Después: {0}',
  loading: 'Loading…|Cargando…',
  lost: 'Perhaps done, perhaps not|Quizás hecho, quizás no',
  low: 'Low|Baja',
  medium: 'Medium|Media',
  more: 'Show more|Mostrar más',
  no_answer: 'no answer|sin respuesta',
  no_date: 'No date|Sin fecha',
  no_host: 'The host does not answer|El anfitrión no responde',
  nobody: 'Nobody|Nadie',
  none: 'none|nada',
  nothing: 'Nothing here|Nada por aquí',
  overdue: 'Overdue|Atrasada',
  plan: 'Plan, not done yet: {0}|Plan, aún sin hacer: {0}',
  priority: 'priority|prioridad',
  refresh: 'Refresh|Actualizar',
  reopen: 'Reopen: {0}|Reabrir: {0}',
  responsibles: 'person|persona',
  stale: 'Not refreshed since {0}: {1}|Sin actualizar desde {0}: {1}',
  status: 'status|estado',
  tasks: 'Tasks|Tareas',
  today: 'Today, |Hoy, ',
  unapplied: '{0} should be {1} and is {2}|{0} debía ser {1} y es {2}',
  undo: 'Undo|Deshacer',
  undone: 'undone|deshecho',
  until: 'Until {0}|Hasta {0}',
}
let es = 0
let locale

// The text of this name; a name without one, such as that of an outcome, is shown as it is.
const say = (name, ...values) => (TEXTS[name]?.split('|')[es] ?? name).replace(/{(.)}/g, (_, n) => values[n])
// What others wrote keeps the direction of its writing to itself.
const bidi = (words) => `\u2068${words}\u2069`
const join = (...parts) => parts.flat(2).filter(Boolean).join(' · ')
