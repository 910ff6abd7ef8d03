"""The week's sales as a mail: tiles, a table, a figure; all rows are attached as a spreadsheet.

SENDKIT_HOST=smtp.example.com SENDKIT_USERNAME=ana@example.com SENDKIT_FROM=ana@example.com \
    python weekly_report.py orders.csv boss@example.com
"""

import sys

import pandas as pd

import sendkit
from sendkit.report import KPI, Figure, Report, Table

orders = pd.read_csv(sys.argv[1], parse_dates=["day"])
per_day = orders.groupby("day")["revenue"].sum()
regions = orders.groupby("region").agg({"orders": "sum", "revenue": "sum", "margin": "mean"})
formats = {"revenue": "currency:EUR:0", "margin": "percent"}
report = Report(
    f"Sales, week {per_day.index[-1]:%V}",
    [
        [KPI("Revenue", per_day.sum(), format="currency:EUR:0", trend=per_day), KPI("Orders", len(orders))],
        Table(regions, caption="By region", formats=formats, bars=["revenue"], tint=["margin"], total=True),
        Figure(per_day.plot(title="Revenue per day, €").figure),
        Table(orders, caption="Orders", formats=formats, max_rows=10, name="orders"),
    ],
    preheader=f"{len(orders)} orders",
)
sendkit.send(report.message(to=sys.argv[2]))
