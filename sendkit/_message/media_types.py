"""The media type of a file by its name: one table for every machine, of what people attach.

The tables of the host are not asked, because they differ; and a file name is never read as a URL. Types are
those of the IANA registry, or else what mail readers know.
"""

from __future__ import annotations

from typing import Final

UNKNOWN: Final = "application/octet-stream"
_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"

_TYPES: Final = {
    # Texts
    "txt": "text/plain", "text": "text/plain", "log": "text/plain", "conf": "text/plain", "ini": "text/plain",
    "cfg": "text/plain", "csv": "text/csv", "tsv": "text/tab-separated-values", "md": "text/markdown",
    "markdown": "text/markdown", "rst": "text/x-rst", "htm": "text/html", "html": "text/html", "css": "text/css",
    "xml": "application/xml", "xsd": "application/xml", "xsl": "application/xslt+xml", "json": "application/json",
    "jsonl": "application/jsonl", "ndjson": "application/x-ndjson", "geojson": "application/geo+json",
    "yaml": "application/yaml", "yml": "application/yaml", "toml": "application/toml", "sql": "application/sql",
    "py": "text/x-python", "c": "text/x-c", "h": "text/x-c", "java": "text/x-java", "js": "text/javascript",
    "mjs": "text/javascript", "sh": "application/x-sh", "tex": "application/x-tex", "bib": "application/x-bibtex",
    "diff": "text/x-diff", "patch": "text/x-diff", "ipynb": "application/x-ipynb+json",
    "po": "text/x-gettext-translation",
    # Mail and calendars
    "ics": "text/calendar", "ifb": "text/calendar", "vcf": "text/vcard", "eml": "message/rfc822",
    "mbox": "application/mbox", "msg": "application/vnd.ms-outlook",
    # Documents
    "pdf": "application/pdf", "ps": "application/postscript", "eps": "application/postscript",
    "rtf": "application/rtf", "doc": "application/msword", "dot": "application/msword",
    "docx": f"{_OFFICE}.wordprocessingml.document", "dotx": f"{_OFFICE}.wordprocessingml.template",
    "docm": "application/vnd.ms-word.document.macroEnabled.12", "xls": "application/vnd.ms-excel",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet", "xltx": f"{_OFFICE}.spreadsheetml.template",
    "xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
    "xlsb": "application/vnd.ms-excel.sheet.binary.macroEnabled.12", "ppt": "application/vnd.ms-powerpoint",
    "pptx": f"{_OFFICE}.presentationml.presentation", "ppsx": f"{_OFFICE}.presentationml.slideshow",
    "potx": f"{_OFFICE}.presentationml.template",
    "pptm": "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
    "vsdx": "application/vnd.ms-visio.drawing", "mpp": "application/vnd.ms-project", "odt": f"{_OPEN}.text",
    "ods": f"{_OPEN}.spreadsheet", "odp": f"{_OPEN}.presentation", "odg": f"{_OPEN}.graphics",
    "pages": "application/vnd.apple.pages", "numbers": "application/vnd.apple.numbers",
    "key": "application/vnd.apple.keynote", "epub": "application/epub+zip",
    "mobi": "application/x-mobipocket-ebook",
    # Pictures
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "jpe": "image/jpeg", "gif": "image/gif",
    "webp": "image/webp", "avif": "image/avif", "heic": "image/heic", "heif": "image/heif", "svg": "image/svg+xml",
    "svgz": "image/svg+xml", "bmp": "image/bmp", "tif": "image/tiff", "tiff": "image/tiff",
    "ico": "image/vnd.microsoft.icon", "jxl": "image/jxl", "psd": "image/vnd.adobe.photoshop",
    "ai": "application/postscript", "dxf": "image/vnd.dxf", "dwg": "image/vnd.dwg",
    # Sound and film
    "mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "oga": "audio/ogg", "ogg": "audio/ogg",
    "opus": "audio/ogg", "wav": "audio/wav", "flac": "audio/flac", "weba": "audio/webm", "mid": "audio/midi",
    "midi": "audio/midi", "amr": "audio/AMR", "mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime",
    "webm": "video/webm", "mkv": "video/matroska", "avi": "video/vnd.avi", "mpg": "video/mpeg",
    "mpeg": "video/mpeg", "ogv": "video/ogg", "3gp": "video/3gpp", "wmv": "video/x-ms-wmv",
    # Fonts
    "woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf", "ttc": "font/collection",
    # Data
    "parquet": "application/vnd.apache.parquet", "arrow": "application/vnd.apache.arrow.file",
    "feather": "application/vnd.apache.arrow.file", "avro": "application/vnd.apache.avro",
    "sqlite": "application/vnd.sqlite3", "sqlite3": "application/vnd.sqlite3", "db": UNKNOWN,
    "h5": "application/x-hdf5", "hdf5": "application/x-hdf5", "nc": "application/netcdf", "npy": UNKNOWN,
    "npz": "application/zip", "mdb": "application/vnd.ms-access", "accdb": "application/vnd.ms-access",
    "gpx": "application/gpx+xml", "kml": "application/vnd.google-earth.kml+xml",
    "kmz": "application/vnd.google-earth.kmz", "wasm": "application/wasm",
    # Archives
    "zip": "application/zip", "gz": "application/gzip", "tgz": "application/gzip", "bz2": "application/x-bzip2",
    "tbz2": "application/x-bzip2", "xz": UNKNOWN, "txz": UNKNOWN, "zst": "application/zstd",
    "tar": "application/x-tar", "7z": "application/x-7z-compressed", "rar": "application/vnd.rar",
    "jar": "application/java-archive", "iso": "application/vnd.efi.iso",
    "apk": "application/vnd.android.package-archive", "deb": "application/vnd.debian.binary-package",
    "rpm": "application/x-rpm", "whl": "application/zip", "exe": "application/vnd.microsoft.portable-executable",
    "dll": "application/vnd.microsoft.portable-executable", "msi": "application/x-msi",
    "dmg": "application/x-apple-diskimage",
    # Keys and signatures
    "p7s": "application/pkcs7-signature", "p7m": "application/pkcs7-mime", "p7c": "application/pkcs7-mime",
    "p12": "application/pkcs12", "pfx": "application/pkcs12", "pem": "application/x-pem-file",
    "crt": "application/x-x509-ca-cert", "cer": "application/pkix-cert", "der": "application/pkix-cert",
    "csr": "application/pkcs10", "asc": "application/pgp-signature", "sig": "application/pgp-signature",
    "gpg": "application/pgp-encrypted", "pgp": "application/pgp-encrypted",
}  # fmt: skip


def media_type_of(filename: str) -> str:
    """The type that follows from what stands behind the last dot; `application/octet-stream` where nobody knows."""
    stem, dot, ending = str(filename).rpartition(".")  # whoever takes the name refuses what is not text
    return _TYPES.get(ending.lower(), UNKNOWN) if dot and stem else UNKNOWN
