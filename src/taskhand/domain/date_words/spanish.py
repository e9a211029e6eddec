"""The words and phrases of dates in Spanish, folded: without accents, manana for mañana."""

import re
from functools import cache
from typing import Final

from taskhand.domain.date_words.language import Language, number_names
from taskhand.domain.date_words.patterns import Action, Table

__all__ = ["spanish"]

_NEXT: Final = "(que viene|proximo|proxima)"
_NEXT_MONTH: Final = "(del proximo mes|del mes que viene|del mes proximo)"
_NEXT_WEEK: Final = "[de] (la proxima semana|la semana que viene|la semana proxima|proxima semana)"
_BUSINESS: Final = "(dia|dias) (habil|habiles|laborable|laborables|laboral|laborales)"
_THIS: Final = "(este|esta)"

_DAYS: Final[dict[str, Action]] = {
    # a day near today
    "hoy [dia]": ("offset", 0),
    "[el dia de|dia de] manana": ("offset", 1),
    "pasado manana": ("offset", 2),
    "ayer": ("offset", -1),
    "(anteayer|antier)": ("offset", -2),
    # a weekday
    "[el] W": ("weekday",),
    "este W": ("weekday_this",),
    "este (proximo W|W proximo|W que viene)": ("weekday_coming",),
    "[el] (proximo W|W proximo|W que viene)": ("weekday_next",),
    "[el] (pasado W|W pasado|ultimo W)": ("weekday_last",),
    "[el] W (de|en) esta semana": ("weekday_in_week", 0),
    f"[el] W {_NEXT_WEEK}": ("weekday_in_week", 1),
    "(la proxima semana|la semana que viene|proxima semana) [el] W": ("weekday_in_week", 1),
    "[el] W de la semana pasada": ("weekday_in_week", -1),
    # a date
    "X": ("iso",),
    "[el] [dia] F": ("numeric",),
    "[el] [dia] D [de] M": ("day_month",),
    "[el] [dia] D [de] M [de|del] Y": ("day_month",),
    "M D": ("month_day",),
    "[el] [dia] D de M (del proximo ano|del ano que viene)": ("day_month_in_year", 1),
    "(el|dia|el dia) D": ("day_of_month",),
    "[el] [dia] D (de este mes|del mes|del presente mes)": ("day_in_month", 0),
    f"[el] [dia] D {_NEXT_MONTH}": ("day_in_month", 1),
    "[el] [dia] D del mes pasado": ("day_in_month", -1),
    # a distance
    "(en|dentro de|de aqui a) N U": ("after",),
    # These also mean one and two weeks, counting today.
    "(en|dentro de|de aqui a) ocho dias": ("after", 7, "day"),
    "(en|dentro de|de aqui a) quince dias": ("after", 14, "day"),
    # The table adds up the two meanings of a fortnight.
    "(en|dentro de|de aqui a) una quincena": ("after", 14, "day"),
    "(en|dentro de|de aqui a) (una) quincena": ("after", 15, "day"),
    "(en|dentro de|de aqui a) un par de U": ("after", 2),
    "(en|dentro de) (unos|unas|algunos|algunas) U": ("after_a_few",),
    "(lo antes posible|lo mas pronto posible|cuanto antes)": ("soon",),
    "hace un par de U": ("before", 2),
    "hace N U": ("before",),
    "hace ocho dias": ("before", 7, "day"),
    "hace quince dias": ("before", 14, "day"),
    "N U atras": ("before",),
    "N U (despues de|despues del|a partir de|a partir del|desde) DAY": ("after_day",),
    "N U antes (de|del) DAY": ("before_day",),
    "[el] dia (despues de|despues del|siguiente a|siguiente al) DAY": ("after_day", 1, "day"),
    "[el] dia (antes de|antes del|anterior a|anterior al) DAY": ("before_day", 1, "day"),
    "antes (de|del) DAY": ("until_day",),
    f"(en|dentro de) N {_BUSINESS}": ("business",),
    f"N {_BUSINESS} (despues de|despues del|a partir de|a partir del|desde) DAY": ("business_after",),
    f"hace N {_BUSINESS}": ("business_ago",),
    f"[el] (proximo|siguiente) {_BUSINESS}": ("business", 1),
    # the end of a period, and days of a month
    "[a|al] (fin|final) de mes": ("end_of", 0, "month"),
    "[a|al|el] (fin|final) (del|de este) mes": ("end_of", 0, "month"),
    f"[a|al|el] (fin|final) {_NEXT_MONTH}": ("end_of", 1, "month"),
    "[a|al] (fin|final) de ano": ("end_of", 0, "year"),
    "[a|al|el] (fin|final) (del|de este) ano": ("end_of", 0, "year"),
    "[a|al|el] (fin|final) (de|del|de este) trimestre": ("end_of", 0, "quarter"),
    "[a|al|el] (fin|final) (de la|de esta) semana": ("end_of", 0, "week"),
    "[a|al|el] (fin|final) de (la proxima semana|la semana que viene)": ("end_of", 1, "week"),
    "[a|al|el] (fin|final) de M": ("end_of_month",),
    "[a|al|el] (fin|final) de M (de|del) Y": ("end_of_month",),
    "[el] ultimo dia (del|de este) mes": ("end_of", 0, "month"),
    "[el] ultimo dia (del|de este) ano": ("end_of", 0, "year"),
    f"[el] ultimo dia {_NEXT_MONTH}": ("end_of", 1, "month"),
    "[el] ultimo dia de M": ("end_of_month",),
    "[el] ultimo dia de M (de|del) Y": ("end_of_month",),
    f"[el] primer dia {_NEXT_MONTH}": ("day_in_month", 1, 1),
    "[el] primer dia (del|de este) mes": ("day_in_month", 0, 1),
    "[el] primer dia de M": ("day_month", 1),
    "[a] (mediados|mitad) de M": ("middle_of_month",),
    "[a] (mediados|mitad) de M (de|del) Y": ("middle_of_month",),
    "[el] O W de M": ("nth_weekday",),
    "[el] O W de M (de|del) Y": ("nth_weekday",),
    "[el] ultimo W de M": ("nth_weekday", -1),
    "[el] ultimo W de M (de|del) Y": ("nth_weekday", -1),
    "[el] O W (del|de este) mes": ("nth_weekday_in", 0),
    f"[el] O W {_NEXT_MONTH}": ("nth_weekday_in", 1),
    "[el] ultimo W (del|de este) mes": ("nth_weekday_in", 0, -1),
    f"[el] ultimo W {_NEXT_MONTH}": ("nth_weekday_in", 1, -1),
    f"[el] O {_BUSINESS} de M": ("nth_business",),
    f"[el] ultimo {_BUSINESS} de M": ("nth_business", -1),
    f"[el] O {_BUSINESS} (del|de este) mes": ("nth_business_in", 0),
    f"[el] O {_BUSINESS} {_NEXT_MONTH}": ("nth_business_in", 1),
    f"[el] ultimo {_BUSINESS} (del|de este) mes": ("nth_business_in", 0, -1),
    f"[el] ultimo {_BUSINESS} {_NEXT_MONTH}": ("nth_business_in", 1, -1),
    # a period
    f"{_THIS} K": ("period", 0),
    f"[el|la] ((proximo|proxima) K|K {_NEXT})": ("period", 1),
    "[el|la] ((pasado|pasada) K|K (pasado|pasada))": ("period", -1),
    "[los|las] (ultimos|ultimas) N U": ("rolling", -1),
    "[los|las] (proximos|proximas) N U": ("rolling", 1),
    "[este|el] fin de semana": ("weekend",),
    "[el] (proximo fin de semana|fin de semana que viene|fin de semana proximo)": ("weekend_next",),
    "[el] fin de semana pasado": ("weekend_last",),
    "[la] semana (del|de) DAY": ("week_of",),
    "[en] M": ("month",),
    "[en] M (de|del) Y": ("month",),
    # a moment
    "(en|dentro de) N T": ("minutes", 1),
    "(en|dentro de) un par de T": ("minutes", 1, 2),
    "(en|dentro de) media hora": ("minutes", 1, 1, 30),
    "(en|dentro de) N T y media": ("minutes_and_half",),
    "(en|dentro de) un cuarto de hora": ("minutes", 1, 1, 15),
    "hace N T": ("minutes", -1),
    "hace media hora": ("minutes", -1, 1, 30),
    "ahora [mismo]": ("minutes", 1, 0, 0),
    # a distance back, for the start of a window
    "[en|durante] [los|las] (ultimos|ultimas) N T": ("recent", -1),
    "[en|durante] [el|la] (ultimo|ultima) T": ("recent", -1, 1),
    "[en|durante] [la] ultima media hora": ("recent", -1, 1, 30),
    "(en|durante) (los|las) (ultimos|ultimas) N U": ("recent_days", -1),
    "[en|durante] [el|la] (ultimo|ultima) U": ("recent_days", -1, 1),
    "N T": ("recent", -1),
    "N U": ("recent_days", -1),
}

_HOURS: Final = "[h|hs|hrs|hr|hora|horas]"

_CLOCKS: Final[dict[str, Action]] = {
    "H": ("hour",),
    "H (h|hs|hrs|hr|horas)": ("hour",),
    f"C {_HOURS}": ("hour",),
    "H y media": ("hour_minutes", 30),
    "H y cuarto": ("hour_minutes", 15),
    "H menos cuarto": ("hour_minutes", -15),
    "H y N": ("hour_and",),
    "[el|al|a] (mediodia|medio dia)": ("time", 12, 0),
    "[a|a la] (medianoche|media noche)": ("midnight",),
    "eod": ("no_time",),
    "[a|al] (fin|final) (del|de) dia": ("no_time",),
    "[a|al] (fin|final) de [la] jornada": ("no_time",),
    "[al] cierre [del dia|de la jornada]": ("no_time",),
    "todo el dia": ("whole_day",),
}

_PARTS: Final[dict[str, Action]] = {
    "am": ("part", "am"),
    "pm": ("part", "pm"),
    "(de|por|en|a) la P": ("part",),
    "tarde": ("part", "afternoon"),
    "noche": ("part", "night"),
    "(del mediodia|del dia)": ("part", "noon"),
}

_MONTHS: Final = number_names(
    "enero/ene febrero/feb marzo/mar abril/abr mayo/may junio/jun julio/jul agosto/ago "
    "septiembre/setiembre/sep/sept/set octubre/oct noviembre/nov diciembre/dic",
)
_WEEKDAYS: Final = number_names(
    "lunes/lun martes/mar miercoles/mie jueves/jue viernes/vie sabado/sab domingo/dom",
    first=0,
)
_NUMBERS: Final = number_names(
    "uno/un/una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciseis diecisiete dieciocho diecinueve veinte veintiuno/veintiun/veintiuna veintidos "
    "veintitres veinticuatro veinticinco veintiseis veintisiete veintiocho veintinueve treinta",
)
_ORDINALS: Final = number_names(
    "primero/primer/primera segundo/segunda tercero/tercer/tercera cuarto/cuarta quinto/quinta"
)


@cache
def spanish() -> Language:
    """Spanish; 05/12 is 5 December in it."""
    return Language(
        weekdays=_WEEKDAYS,
        months=_MONTHS,
        numbers=_NUMBERS | {"cuarenta": 40, "cincuenta": 50, "sesenta": 60, "noventa": 90},
        tens={"treinta": 30, "cuarenta": 40, "cincuenta": 50},
        ordinals=_ORDINALS,
        day_ordinals={"primero": 1, "primer": 1},
        ordinal_endings=re.compile(r"(\d{1,2})(?:o|a|°|er|ero|ro|era|do|da|to|ta|mo|vo)", re.ASCII),
        units={
            "dia": "day",
            "dias": "day",
            "semana": "week",
            "semanas": "week",
            "mes": "month",
            "meses": "month",
            "trimestre": "quarter",
            "trimestres": "quarter",
            "ano": "year",
            "anos": "year",
        },
        minutes=number_names("minuto/minutos/min/mins")
        | {"hora": 60, "horas": 60, "hr": 60, "hrs": 60, "hs": 60, "h": 60},
        parts={"manana": "morning", "tarde": "afternoon", "noche": "night", "madrugada": "small hours"},
        days=Table(_DAYS),
        clocks=Table(_CLOCKS),
        part_phrases=Table(_PARTS),
        prefixes={
            "due": (
                "para",
                "para el",
                "al",
                "vence",
                "vence el",
                "a mas tardar",
                "a mas tardar el",
                "hasta",
                "hasta el",
            ),
            "from": ("desde", "desde el", "a partir de", "a partir del", "del", "de"),
            "to": ("hasta", "hasta el", "al", "a mas tardar", "a mas tardar el"),
        },
        linked=("de", "del"),
        rewritten={
            "esta noche": "hoy por la noche",
            "esta tarde": "hoy por la tarde",
            "esta manana": "hoy por la manana",
            "anoche": "ayer por la noche",
            "antes de ayer": "anteayer",
        },
        article="el",
        at=("a las", "a la", "@", "para las"),
        day_first=True,
        only_counts=frozenset({"un"}),
        no_days=frozenset({"una", "veintiuna"}),
        joins_tens="y",
    )
