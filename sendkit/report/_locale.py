"""How numbers are written in a language: what groups digits, the decimal sign, and where a currency stands.

The figures are those of CLDR 46 for the languages listed. Dates are not localised: ISO 8601 is read alike everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from sendkit.errors import MessageError

_NARROW, _BLANK = "\u202f", "\u00a0"
_SYMBOLS = {
    "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CNY": "CN¥", "INR": "₹", "KRW": "₩", "BRL": "R$", "UAH": "₴",
    "TRY": "₺", "ILS": "₪", "VND": "₫", "PHP": "₱", "NGN": "₦", "PLN": "zł", "CZK": "Kč", "AUD": "A$", "CAD": "CA$",
    "NZD": "NZ$", "MXN": "MX$", "HKD": "HK$", "TWD": "NT$",
}  # fmt: skip
_WITHOUT_CENTS = {"JPY", "KRW", "VND", "CLP", "ISK", "HUF"}


@dataclass(slots=True, frozen=True)
class Locale:
    """The signs of a language; `after` says that the currency and the percent sign follow the number, with a blank."""

    group: str = ","
    decimal: str = "."
    after: bool = False

    def number(self, text: str) -> str:
        """A number as Python formats it (`1,234.5`), in the signs of this language."""
        if self.group == "," and self.decimal == ".":
            return text
        return text.translate({ord(","): self.group, ord("."): self.decimal})

    def percent(self, text: str) -> str:
        """A number that is a percentage."""
        return f"{self.number(text)}{_BLANK}%" if self.after else f"{self.number(text)}%"

    def money(self, text: str, currency: str) -> str:
        """An amount in a currency (ISO 4217)."""
        symbol, sign, number = _SYMBOLS.get(currency, currency), text[: text.startswith("-")], self.number(text)
        if self.after:
            return f"{number}{_BLANK}{symbol}"
        gap = _BLANK if symbol[-1].isalpha() else ""
        return f"{sign}{symbol}{gap}{number.removeprefix('-')}"


_ENGLISH = Locale()
_POINT, _THIN, _WIDE = Locale(".", ",", after=True), Locale(_NARROW, ",", after=True), Locale(_BLANK, ",", after=True)
_LOCALES = {
    **dict.fromkeys(("en", "ja", "zh", "ko", "he", "th", "hi", "es-mx", "es-us"), _ENGLISH),
    **dict.fromkeys(("de", "es", "it", "pt", "da", "tr", "id", "el", "ro", "hr", "sl", "sr", "vi", "nl"), _POINT),
    **dict.fromkeys(("sv", "nb", "no", "nn", "fi", "cs", "sk", "pl", "uk", "ru", "bg", "hu", "lt", "lv", "et"), _WIDE),
    **dict.fromkeys(("de-ch", "it-ch", "en-ch"), Locale("’", ".")),
    "fr": _THIN,
    "pt-br": Locale(".", ","),
}


def locale_of(tag: str | None) -> Locale:
    """The locale for a language tag (RFC 5646), by its longest known start; English for None. Raises MessageError."""
    if tag is None:
        return _ENGLISH
    found = known(tag)
    if found is None:
        names = ", ".join(sorted(_LOCALES))
        raise MessageError(f"locale: {tag[:40]!r} is not known", field="locale", hint=f"take one of {names}")
    return found


def known(tag: str) -> Locale | None:
    """The locale for a language tag, or None."""
    lower = tag.lower().replace("_", "-")
    return _LOCALES.get("-".join(lower.split("-")[:2])) or _LOCALES.get(lower.split("-")[0])


def decimals_of(currency: str) -> int:
    """How many decimals an amount in this currency has."""
    return 0 if currency in _WITHOUT_CENTS else 2
