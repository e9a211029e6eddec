"""Phrases for dates and what each means, said on Wednesday 2026-11-25 at 10:00 in America/Santiago.

The table of phrases in docs/dates.md is made of these rows.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

__all__ = [
    "CANDIDATES",
    "DUE",
    "NOW",
    "RARE",
    "RARE_CANDIDATES",
    "RARE_WINDOWS",
    "REFUSED",
    "TIMES",
    "WINDOWS",
    "ZONE",
]

ZONE = "America/Santiago"
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=ZoneInfo(ZONE))

DUE: dict[str, str] = {
    "hoy · today · el 25": "2026-11-25",
    "mañana · tomorrow · MAÑANA · Mañana. · manana": "2026-11-26",
    "pasado mañana · day after tomorrow · the day after tomorrow": "2026-11-27",
    "ayer · yesterday · hace un día · one day ago": "2026-11-24",
    "viernes · el viernes · Friday · on Friday · by Friday · this Friday · este viernes": "2026-11-27",
    "el lunes que viene · el próximo lunes · next Monday · Monday next week · lunes de la próxima semana": "2026-11-30",
    "para el viernes · Fri": "2026-11-27",
    "el viernes pasado · last Friday": "2026-11-20",
    "Friday week · a week on Friday · a week from Friday": "2026-12-04",
    "en dos semanas · in two weeks · dentro de 14 días · in a fortnight · 2 weeks from now": "2026-12-09",
    "dentro de 3 días · en tres días · in 3 days · within 3 days": "2026-11-28",
    "in a couple of days · a couple days from now · en un par de días": "2026-11-27",
    "in a couple of weeks · dentro de un par de semanas": "2026-12-09",
    "a couple of days ago · hace un par de días": "2026-11-23",
    "in a couple of hours · en un par de horas": "2026-11-25T12:00-03:00",
    "in a month · dentro de un mes": "2026-12-25",
    "a week from Monday · una semana después del lunes": "2026-12-07",
    "en 3 días hábiles · in 3 business days · dentro de tres días laborables · 3 working days from today": "2026-11-30",
    "próximo día hábil · next business day": "2026-11-26",
    "a fin de mes · fin de mes · end of month · end of the month · EOM · last day of the month": "2026-11-30",
    "fin del próximo mes · end of next month · end of year · fin de año · end of the quarter": "2026-12-31",
    "el 15 de diciembre · 15 de dic · Dec 15 · December 15th · the 15th of December · 15/12 · el 15": "2026-12-15",
    "el 3 de enero · January 3 · ¿3 de enero? · January 3 next year · 3 Jan · Jan 3, 2027": "2027-01-03",
    "24 de octubre · Oct 24": "2027-10-24",
    "25/12/2026 · 12/25/2026 · 2026/12/25 · 25-12-2026 · 25.12.2026 · 2026-12-25 Fri · viernes 25 dic": "2026-12-25",
    "Wednesday 30 December · Wed, Dec 30 · miércoles 30 de diciembre · 2026-12-30 (Wed)": "2026-12-30",
    "el 5/12 · sábado 05/12 · Saturday 05/12": "2026-12-05",
    "primer lunes de diciembre · first Monday of December · primer lunes del próximo mes": "2026-12-07",
    "último viernes del mes · last Friday of November": "2026-11-27",
    "primer día hábil del próximo mes · first business day of next month · primero de diciembre": "2026-12-01",
    "mañana a las 3 de la tarde · tomorrow at 3pm · mañana 15:00 · 3pm tomorrow · a las 15 h de mañana": (
        "2026-11-26T15:00-03:00"
    ),
    "tomorrow afternoon at 3 · mañana por la tarde a las 3 · at three tomorrow afternoon": "2026-11-26T15:00-03:00",
    "mañana a las tres y media de la tarde · half past 3 in the afternoon tomorrow": "2026-11-26T15:30-03:00",
    "mañana por la mañana a las 9 · tomorrow morning at 9am · mañana a las 9": "2026-11-26T09:00-03:00",
    "hoy a las 18:00 · today at 6 p.m. · hoy a las 6 p. m. · this evening at 6": "2026-11-25T18:00-03:00",
    "esta noche a las 8 · tonight at 8": "2026-11-25T20:00-03:00",
    "Friday 3pm · viernes 15:00 hrs · el viernes a las 15 · el viernes, 3 PM": "2026-11-27T15:00-03:00",
    "el martes a mediodía · next Tuesday at noon · martes al mediodía · Tuesday 12pm": "2026-12-01T12:00-03:00",
    "el 3 de enero a las 9:30 · January 3 at 9:30am": "2027-01-03T09:30-03:00",
    "en media hora · in half an hour · in 30 minutes": "2026-11-25T10:30-03:00",
    "in 90 minutes · en una hora y media · dentro de 90 minutos · in an hour and a half": "2026-11-25T11:30-03:00",
    "2026-12-30T15:00-03:00 Wed · 2026-12-30 at 15:00 · Wed 30 Dec 15:00": "2026-12-30T15:00-03:00",
    "EOD · fin del día · end of day · by end of day · COB": "2026-11-25 without a time",
    "tomorrow EOD · mañana al final del día · tomorrow all day": "2026-11-26 without a time",
}
"""Due dates: phrases with the same meaning, and that meaning."""

CANDIDATES: dict[str, tuple[str, ...]] = {
    "el próximo viernes · next Friday · el viernes que viene": ("2026-11-27 Fri", "2026-12-04 Fri"),
    "miércoles · Wednesday": ("2026-11-25 Wed", "2026-12-02 Wed"),
    "este lunes · this Monday": ("2026-11-23 Mon", "2026-11-30 Mon"),
    "05/12": ("2026-12-05 Sat", "2027-05-12 Wed"),
    "en quince días · dentro de quince días · en una quincena": ("2026-12-09 Wed", "2026-12-10 Thu"),
    "hace quince días": ("2026-11-10 Tue", "2026-11-11 Wed"),
    "en ocho días · de aquí a ocho días": ("2026-12-02 Wed", "2026-12-03 Thu"),
    "in a few days · en unos días · dentro de algunos días": ("2026-11-27 Fri", "2026-11-28 Sat", "2026-11-29 Sun"),
    "asap · as soon as possible · cuanto antes · lo antes posible": ("2026-11-25 Wed", "2026-11-26 Thu"),
    "mid-March · in the middle of March · a mediados de marzo": ("2027-03-10 Wed", "2027-03-15 Mon", "2027-03-20 Sat"),
    "10/03/2026": ("2026-03-10 Tue", "2026-10-03 Sat"),
    "before Friday · antes del viernes": ("2026-11-26 Thu", "2026-11-27 Fri"),
    "Nov 20 · 20 de noviembre": ("2026-11-20 Fri", "2027-11-20 Sat"),
    "Oct 25 · 25 de octubre": ("2026-10-25 Sun", "2027-10-25 Mon"),
    "this week · esta semana": ("2026-11-25 Wed", "2026-11-27 Fri", "2026-11-29 Sun"),
    "next week · la próxima semana · la semana que viene": ("2026-11-30 Mon", "2026-12-04 Fri", "2026-12-06 Sun"),
    "next month · el mes que viene · December · diciembre": ("2026-12-01 Tue", "2026-12-31 Thu"),
    "this weekend · fin de semana": ("2026-11-28 Sat", "2026-11-29 Sun"),
    "end of the week · fin de la semana": ("2026-11-27 Fri", "2026-11-29 Sun"),
    "mañana a las 3 · tomorrow at 3 · tomorrow at 3:00": ("2026-11-26 Thu 03:00", "2026-11-26 Thu 15:00"),
    "Friday at midnight · viernes a medianoche": ("2026-11-27 Fri 00:00", "2026-11-28 Sat 00:00"),
    "mañana por la mañana · tomorrow morning": ("2026-11-26 Thu",),
    "tonight · esta noche": ("2026-11-25 Wed",),
    "Thursday 30 December · jueves 30 de diciembre · 2026-12-30 Thu · 2026-12-30T15:00-03:00 Thu": ("2026-12-30 Wed",),
    "mañana viernes": ("2026-11-26 Thu",),
}
"""Due dates that are refused with what may be meant."""

REFUSED = (
    "31 de febrero · February 31 · 29 February · 31/11 · fifth Friday of December · 2026-02-30 Mon",
    "cuando puedas · soon · later · call 5 people · N/A · never · 5 · 2026",
    "tomorrow foo · foo tomorrow · tomorrow or Friday · not tomorrow · every Friday · tomorrow tomorrow",
    "Friday Friday · el viernes el lunes · Tuesday before yesterday · el una · el cuarto · first",
    "mid-month · a mediados de mes · a fines de mes · early next week · un día de estos",
    "3pm · a las 15:00 · noon · mediodía",
    "amanhã · hoje · segunda-feira · em 3 dias · 15 de março · morgen · lundi · domani · 15. Dezember",
    "mañana a las 25 · tomorrow at 13am · mañana a las 10:75 · tomorrow 3pm UTC",
    "mañana a las 24 · tomorrow at 24:00 · tomorrow at 10:60 · mañana a las 3 y sesenta",
    "in 99999 days · dentro de 5000 años · in -3 days · in 5 minutes and a half",
)
"""Phrases that no due date is."""

TIMES: dict[str, tuple[str, ...]] = {
    "3pm · 3 PM · 15h · 15:00 h · a las 3 de la tarde · 3 in the afternoon · 3 p. m. · a las 15": ("15:00",),
    "noon · mediodía · al mediodía · 12pm · 12 del día · midday": ("12:00",),
    "9:30 · 9.30am · half past nine · nueve y media de la mañana · a las nueve y media": ("09:30",),
    "at 3 · a las 3 · 3:00": ("03:00", "15:00"),
    "at 7 · a las 7": ("07:00", "19:00"),
    "at 8 · a las 8": ("08:00",),
    "midnight · medianoche · 12 de la noche": ("00:00", "23:59"),
    "3 · 15 · 25:00 · 13pm · afternoon · por la tarde · EOD · 3pm tomorrow · soon": (),
}
"""Times of day, and what each may be; none where it is refused."""

WINDOWS: dict[str, tuple[str, str]] = {
    "this week · esta semana": ("2026-11-23", "2026-11-29"),
    "next week · la semana que viene": ("2026-11-30", "2026-12-06"),
    "last month · el mes pasado": ("2026-10-01", "2026-10-31"),
    "last 7 days · los últimos 7 días": ("2026-11-18", "2026-11-25"),
    "diciembre · December 2026 · next month": ("2026-12-01", "2026-12-31"),
    "this quarter · este trimestre": ("2026-10-01", "2026-12-31"),
    "fin de semana · this weekend": ("2026-11-28", "2026-11-29"),
    "week of December 7 · la semana del 7 de diciembre": ("2026-12-07", "2026-12-13"),
    "ayer · yesterday": ("2026-11-24", "2026-11-24"),
    "hace dos semanas · two weeks ago": ("2026-11-11", "2026-11-11"),
    "1 de noviembre · Nov 1": ("2026-11-01", "2026-11-01"),
    "25 de febrero · Feb 25": ("2027-02-25", "2027-02-25"),
    "2026-12-30 Wed · 2026-12-30T15:00-03:00 Wed": ("2026-12-30", "2026-12-30"),
}
"""The first day and the last day of a window, by the words for either."""

RARE: dict[str, str] = {
    "the day before yesterday · anteayer · antier · antes de ayer": "2026-11-23",
    "due on Friday · due by Friday": "2026-11-27",
    "Friday of this week · this week on Friday · viernes de esta semana · the 27th of this month": "2026-11-27",
    "el 27 de este mes · the fourth Friday of this month · el cuarto viernes del mes": "2026-11-27",
    "the twentieth business day of this month · last Friday of this month": "2026-11-27",
    "Monday this week · lunes en esta semana": "2026-11-23",
    "next week on Friday · la próxima semana el viernes": "2026-12-04",
    "Friday of last week · last week on Friday · viernes de la semana pasada · 3 business days ago": "2026-11-20",
    "hace 3 días hábiles": "2026-11-20",
    "the 3rd of January 2027 · el 3 de enero de 2027 · el 3 de enero del próximo año": "2027-01-03",
    "the 15th · the fifteenth · 15th": "2026-12-15",
    "next month on the 5th · el 5 del próximo mes": "2026-12-05",
    "the 5th of last month · el 5 del mes pasado": "2026-10-05",
    "a week today": "2026-12-02",
    "a week tomorrow": "2026-12-03",
    "2 semanas atrás": "2026-11-11",
    "3 days before December 15 · tres días antes del 15 de diciembre": "2026-12-12",
    "the day before December 15 · el día antes del 15 de diciembre": "2026-12-14",
    "the day after December 15 · el día siguiente al 15 de diciembre": "2026-12-16",
    "in 3 workdays · month end · al final de este mes · el último día del mes": "2026-11-30",
    "last business day of this month · el último día hábil del mes": "2026-11-30",
    "2 business days after December 4 · 2 días hábiles después del 4 de diciembre": "2026-12-08",
    "end of March · last day of March · a fin de marzo · el último día de marzo": "2027-03-31",
    "last business day of March · el último día hábil de marzo": "2027-03-31",
    "end of March 2028 · last day of March 2028 · fin de marzo de 2028 · último día de marzo de 2028": "2028-03-31",
    "last Friday of March 2028 · el último viernes de marzo de 2028": "2028-03-31",
    "last Friday of March · el último viernes de marzo": "2027-03-26",
    "first Monday of March 2028 · el primer lunes de marzo de 2028": "2028-03-06",
    "miércoles 3 mar · Wed 3 Mar · mié 3 mar": "2027-03-03",
    "first business day of March · first day of March · el primer día de marzo": "2027-03-01",
    "eoy · eoq · last day of the year · el último día de este año · al final del año": "2026-12-31",
    "fin de trimestre · last day of next month · el último día del mes que viene": "2026-12-31",
    "last business day of next month · el último día hábil del mes que viene": "2026-12-31",
    "first day of next month · el primer día del próximo mes": "2026-12-01",
    "first Monday of next month": "2026-12-07",
    "last Friday of next month · el último viernes del mes que viene": "2026-12-25",
    "30 minutes from now · half an hour from now · in 30 mins · en 30 mins": "2026-11-25T10:30-03:00",
    "in 1 hr · en 1 hr · en 1 hs": "2026-11-25T11:00-03:00",
    "mañana a las 3 de la madrugada": "2026-11-26T03:00-03:00",
    "in twenty-one days · in twenty one days · dentro de veintiún días": "2026-12-16",
    "in 2 fortnights": "2026-12-23",
    "in 2 quarters · dentro de 2 trimestres": "2027-05-25",
    "in 1 and a half hours": "2026-11-25T11:30-03:00",
    "in a quarter of an hour · en un cuarto de hora": "2026-11-25T10:15-03:00",
    "half an hour ago · hace media hora · hace 30 minutos": "2026-11-25T09:30-03:00",
    "tomorrow at a quarter past 3pm · mañana a las 3 y cuarto de la tarde": "2026-11-26T15:15-03:00",
    "tomorrow at a quarter to 4pm · mañana a las 4 menos cuarto de la tarde": "2026-11-26T15:45-03:00",
    "mañana a las 3 y veinte de la tarde": "2026-11-26T15:20-03:00",
    "mañana al final de la jornada · mañana al cierre del día · mañana todo el día": "2026-11-26 without a time",
}
"""Further due dates: each row of the grammar has a phrase in one of these tables."""

RARE_CANDIDATES: dict[str, tuple[str, ...]] = {
    "a few days from now": ("2026-11-27 Fri", "2026-11-28 Sat", "2026-11-29 Sun"),
    "hace ocho días": ("2026-11-17 Tue", "2026-11-18 Wed"),
    "eow": ("2026-11-27 Fri", "2026-11-29 Sun"),
    "fin de la próxima semana": ("2026-12-04 Fri", "2026-12-06 Sun"),
    "next weekend · el próximo fin de semana": ("2026-11-28 Sat", "2026-11-29 Sun", "2026-12-05 Sat", "2026-12-06 Sun"),
    "first day of this month · el primer día del mes": ("2026-11-01 Sun", "2026-12-01 Tue"),
    "the second business day of the month · el segundo día hábil del mes": ("2026-11-03 Tue", "2026-12-02 Wed"),
    "mid March 2028 · a mediados de marzo de 2028": ("2028-03-10 Fri", "2028-03-15 Wed", "2028-03-20 Mon"),
}
"""Further due dates that are refused with what may be meant."""

RARE_WINDOWS: dict[str, tuple[str, str]] = {
    "2026-12-30T15:00-03:00": ("2026-12-30", "2026-12-30"),
    "the month after next": ("2027-01-01", "2027-01-31"),
    "the next 7 days · los próximos 7 días": ("2026-11-25", "2026-12-02"),
    "last weekend · el fin de semana pasado": ("2026-11-21", "2026-11-22"),
    "marzo de 2028": ("2028-03-01", "2028-03-31"),
}
"""Further windows."""
