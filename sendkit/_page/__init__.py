"""A page for the browser that shows messages: their html, text, headers, attachments, envelope and source.

Whatever is in a message may be hostile. So its html is shown in a frame of its own that runs no script and loads
nothing but the message's own pictures (`markup`), everything else reaches the page as text (`view`, `page.js`), and an
attachment is never more than a download. `server` serves the page on this machine alone, `file` writes it for one
message. Must not know: SMTP, or how a message came here.
"""
