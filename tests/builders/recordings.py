"""Small recordings in the shape that each source documents, and what a tape made of them must say.

A minute from `START_MS` on at about 60,000 USD; figures are chosen so that the right USD can be worked out by hand.
"""

import gzip
import json
import math
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import feather, parquet

from paper.tapes.format import COLUMNS

START_MS = 1_722_816_000_000  # 2024-08-05T00:00:00Z
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
KLINE_HEAD = ("open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
              "taker_buy_quote_volume,ignore")  # fmt: skip
AGG_HEAD = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
METRICS_HEAD = ("create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
                "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio")  # fmt: skip
FORCED_HEAD = ("time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,"
               "last_fill_quantity,accumulated_fill_quantity")  # fmt: skip
TARDIS_HEAD = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
TICKER_HEAD = ("exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,predicted_funding_rate,"
               "open_interest,last_price,index_price,mark_price")  # fmt: skip


@dataclass(frozen=True)
class Recording:
    """Files by name, and the rows that must come of them: only what is filled."""

    files: Mapping[str, str | bytes]
    told: list[dict[str, Any]]
    format: str
    hints: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> list[Path]:
        paths = []
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            paths.append(path)
        return paths


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Rows of a tape without what is null."""
    return [
        {name: value for name, value in row.items() if value is not None}
        for row in parquet.read_table(path).to_pylist()
    ]


def differing(row: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Cells that are not as told: floats to the last digits, everything else exactly."""
    def close(one: Any, other: Any) -> bool:
        return math.isclose(one, other, rel_tol=1e-12) if isinstance(other, float) else one == other

    names = {*row, *told}
    return {name: (row.get(name), told.get(name)) for name in names
            if name not in row or name not in told or not close(row[name], told[name])}


def lines(*rows: Any) -> str:
    return "\n".join(row if isinstance(row, str) else ",".join(map(str, row)) for row in rows) + "\n"


def zipped(name: str, content: str, folder: Path) -> bytes:
    path = folder / "packed.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path.read_bytes()


def kline(minute: int, close: float = 60_010.0, base: float = 10.0) -> tuple[Any, ...]:
    """A USD-M minute in which 6 of 10 coins were bought, at 60,005 on average."""
    begin = START_MS + minute * MINUTE_MS
    quote = base * 60_005.0
    return (begin, 60_000.0, 60_020.0, 59_990.0, close, base, begin + MINUTE_MS - 1, quote, 50, base * 0.6,
            quote * 0.6, 0)  # fmt: skip


def bar(minute: int, usd: float, bought: float | None = None, span_ms: int = MINUTE_MS, **other: Any) -> dict[str, Any]:
    row = {"time_ms": START_MS + minute * MINUTE_MS + span_ms, "venue": "binance", "coin": "BTC", "kind": "trades",
           "span_ms": span_ms, "open": 60_000.0, "high": 60_020.0, "low": 59_990.0, "close": 60_010.0,
           "volume_usd": usd}  # fmt: skip
    return row | ({} if bought is None else {"buy_usd": bought, "sell_usd": usd - bought}) | other


def fact(kind: str, time_ms: int, **columns: Any) -> dict[str, Any]:
    return {"time_ms": time_ms, "venue": "binance", "coin": "BTC", "kind": kind, **columns}


def table(path: Path, rows: Iterable[Mapping[str, Any]]) -> bytes:
    """As feather or Parquet, by the path's ending."""
    made = pa.Table.from_pylist([dict(row) for row in rows])
    (feather.write_feather if path.suffix == ".feather" else parquet.write_table)(made, str(path))
    return path.read_bytes()


def binance_archive() -> dict[str, Recording]:
    klines = lines(kline(0), kline(1))
    of_coin = (*kline(0)[:5], 3_000, START_MS + MINUTE_MS - 1, 5.0, 50, 1_000, 1.7, 0)
    trades = [(1, 60_000.0, 0.5, 1, 1, START_MS + 10, "true"), (2, 60_010.0, 0.25, 2, 3, START_MS + 900, "false"),
              (3, 60_020.0, 1.0, 4, 4, START_MS + 1_000, "false")]  # fmt: skip
    seconds = [
        bar(0, 45_002.5, 15_002.5, 1_000, high=60_010.0, low=60_000.0, close=60_010.0),
        bar(0, 60_020.0, 60_020.0, 1_000, time_ms=START_MS + 2_000, open=60_020.0, low=60_020.0, close=60_020.0),
    ]
    forced = [(START_MS + 5, "SELL", "LIMIT", "IOC", 2, 59_000, 59_500, "FILLED", 1, 2),
              (START_MS + 5, "SELL", "LIMIT", "IOC", 2, 59_000, 59_500, "FILLED", 1, 2),
              (START_MS + 2_000, "BUY", "LIMIT", "IOC", 1, 61_000, 0, "FILLED", 1, 1),
              (START_MS + 3_000, "BUY", "LIMIT", "IOC", 1, 61_000, 0, "EXPIRED", 0, 0)]  # fmt: skip
    bars = [bar(0, 600_050.0, 360_030.0), bar(1, 600_050.0, 360_030.0)]
    return {
        "klines": Recording({"BTCUSDT-1m-2024-08-05.csv": lines(KLINE_HEAD, *map(kline, range(2)))}, bars,
                            "Binance archive: klines"),
        "klines without a header line": Recording({"BTCUSDT-1m-2024-08-05.csv": klines}, bars,
                                                  "Binance archive: klines"),
        "klines of COIN-M": Recording(
            {"BTCUSD_PERP-1m-2024-08-05.csv": lines(KLINE_HEAD, of_coin)},
            [bar(0, 300_000.0, 100_000.0, contract="coin")], "Binance archive: klines"),
        "klines of USDC": Recording({"BTCUSDC-1m-2024-08-05.csv": lines(kline(0))},
                                    [bar(0, 600_050.0, 360_030.0, contract="usdc")], "Binance archive: klines"),
        "mark price klines": Recording(
            {"markPriceKlines/BTCUSDT-1m-2024-08-05.csv": lines(
                KLINE_HEAD, (START_MS, 1, 1, 1, 60_010.0, 0, START_MS + MINUTE_MS - 1, 0, 60, 0, 0, 0))},
            [fact("mark", START_MS + MINUTE_MS, mark_price=60_010.0)], "Binance archive: mark price klines"),
        "index price klines beside klines": Recording(
            {"klines/BTCUSDT-1m-2024-08-05.csv": lines(kline(0)),
             "indexPriceKlines/BTCUSDT-1m-2024-08-05.csv": lines(kline(0)),
             "bookDepth/BTCUSDT-bookDepth-2024-08-05.csv": lines("timestamp,percentage,depth,notional", "x,1,1,1")},
            bars[:1], "Binance archive, of no use to a tape"),
        "aggTrades": Recording({"BTCUSDT-aggTrades-2024-08-05.csv": lines(AGG_HEAD, *trades)}, seconds,
                               "Binance archive: aggTrades, trades"),
        "aggTrades without a header line": Recording({"BTCUSDT-aggTrades-2024-08-05.csv": lines(*trades)}, seconds,
                                                     "Binance archive: aggTrades, trades"),
        "metrics": Recording(
            {"BTCUSDT-metrics-2024-08-05.csv": lines(
                METRICS_HEAD, "2024-08-05 00:05:00,BTCUSDT,80000,4800000000.5,1,1,1,1",
                "2024-08-05 00:10:00,BTCUSDT,,,1,1,1,1")},
            [fact("open_interest", START_MS + 5 * MINUTE_MS, oi_usd=4_800_000_000.5)], "Binance archive: metrics"),
        "metrics of COIN-M": Recording(
            {"BTCUSD_PERP-metrics-2024-08-05.csv": lines(
                METRICS_HEAD, "2024-08-05 00:05:00,BTCUSD_PERP,5000000,8333.3,1,1,1,1")},
            [fact("open_interest", START_MS + 5 * MINUTE_MS, oi_usd=500_000_000.0, contract="coin")],
            "Binance archive: metrics"),
        "fundingRate": Recording(
            {"BTCUSDT-fundingRate-2024-08.csv": lines(
                "calc_time,funding_interval_hours,last_funding_rate", (START_MS + 7, 8, 0.0001))},
            [fact("funding", START_MS + 7, rate_pct=0.01, interval_h=8.0, rate_stage="settlement")],
            "Binance archive: fundingRate"),
        "liquidationSnapshot": Recording(
            {"BTCUSDT-liquidationSnapshot-2024-08-05.csv": lines(FORCED_HEAD, *forced)},
            [fact("liquidation", START_MS + 5, side="long", price=59_000.0, size_usd=119_000.0),
             fact("liquidation", START_MS + 2_000, side="short", price=61_000.0, size_usd=61_000.0)],
            "Binance archive: liquidationSnapshot"),
    }  # fmt: skip


def candles(folder: Path) -> dict[str, Recording]:
    rows = [(START_MS + minute * MINUTE_MS, 60_000.0, 60_020.0, 59_990.0, 60_010.0, 10.0) for minute in range(2)]
    names = ("timestamp", "open", "high", "low", "close", "volume")
    bars = [bar(0, 600_050.0), bar(1, 600_050.0)]
    dated = [dict(zip(("date", *names[1:]), row, strict=True)) for row in rows]
    typed = [row | {"date": pa.scalar(row["date"], pa.timestamp("ms", "UTC")).as_py()} for row in dated]
    stamps = [0, 8 * HOUR_MS + 6, 16 * HOUR_MS]
    rates = [{"date": pa.scalar(START_MS + at, pa.timestamp("ms", "UTC")).as_py(), "open": 0.0001, "high": 0.0,
              "low": 0.0, "close": 0.0, "volume": 0.0} for at in stamps]  # fmt: skip
    ours = {"venue": "binance"}
    return {
        "ccxt JSON": Recording({"BTCUSDT.json": json.dumps(rows)}, bars, "ccxt OHLCV", ours),
        "ccxt CSV": Recording({"binance_BTC_USDT_USDT_1m.csv": lines(names, *rows)}, bars, "ccxt OHLCV"),
        "ccxt CSV without a header line": Recording({"x.csv": lines(*rows)}, bars, "ccxt OHLCV",
                                                    ours | {"coin": "BTC/USDT:USDT"}),
        "ccxt with ISO times, newest first": Recording(
            {"BTCUSDT-1m.csv": lines(names, *(
                (f"2024-08-05 06:0{minute}:00", *rows[minute][1:]) for minute in (1, 0)))},
            bars, "ccxt OHLCV", ours | {"utc_offset_h": 6.0}),
        "freqtrade feather": Recording(
            {"binance/futures/BTC_USDT_USDT-1m-futures.feather": table(folder / "a.feather", typed)}, bars,
            "freqtrade candles, marks, funding rates"),
        "freqtrade mark": Recording(
            {"binance/futures/BTC_USDT_USDT-1m-mark.feather": table(folder / "a.feather", typed[:1])},
            [fact("mark", START_MS + MINUTE_MS, mark_price=60_010.0)], "freqtrade candles, marks, funding rates"),
        "freqtrade funding under another name": Recording(
            {"rates.feather": table(folder / "a.feather", rates[:1])},
            [fact("funding", START_MS, rate_pct=0.01, interval_h=8.0, rate_stage="settlement")],
            "freqtrade candles, marks, funding rates", ours | {"coin": "BTC"}),
        "freqtrade funding": Recording(
            {"binance/futures/BTC_USDT_USDT-8h-funding_rate.feather": table(folder / "a.feather", rates)},
            [fact("funding", START_MS + at, rate_pct=0.01, interval_h=8.0, rate_stage="settlement") for at in stamps],
            "freqtrade candles, marks, funding rates"),
    }  # fmt: skip


def tardis() -> dict[str, Recording]:
    def us(ms: int) -> int:
        return (START_MS + ms) * 1_000 + 999

    binance, okx = "binance-futures,BTCUSDT", "okex-swap,BTC-USD-SWAP"
    trades = lines(
        TARDIS_HEAD, f"{binance},{us(0)},{us(10)},1,sell,60000,0.5", f"{binance},{us(0)},{us(20)},2,buy,60010,0.25",
        f"{okx},{us(0)},{us(30)},3,buy,60000,7", f"binance-futures,BTCUSDT_240927,{us(0)},{us(40)},4,buy,60000,1",
    )  # fmt: skip
    told = [bar(0, 45_002.5, 15_002.5, 1_000, high=60_010.0, low=60_000.0),
            bar(0, 700.0, 700.0, 1_000, high=60_000.0, low=60_000.0, close=60_000.0, venue="okx", contract="coin")]
    unknown = lines(TARDIS_HEAD, f"{binance},{us(0)},{us(10)},1,unknown,60000,0.5",
                    f"{binance},{us(0)},{us(20)},2,buy,60010,0.25")  # fmt: skip
    forced = lines(TARDIS_HEAD, f"{binance},{us(0)},{us(10)},,sell,59000,2")
    ticker = lines(
        TICKER_HEAD,
        f"{binance},{us(0)},{us(10)},{(START_MS + 8 * HOUR_MS) * 1_000},0.0001,,80000,60000,60001,60000",
        f"{binance},{us(0)},{us(900)},{(START_MS + 8 * HOUR_MS) * 1_000},0.0001,,80000,60000,60002,60010",
        f"{binance},{us(0)},{us(1_500)},{(START_MS + 8 * HOUR_MS) * 1_000},0.0001,,80000,60000,,60020",
    )  # fmt: skip
    return {
        "tardis trades": Recording({"binance-futures_trades_2024-08-05_BTCUSDT.csv.gz": gzip.compress(trades.encode())},
                                   told, "tardis.dev trades"),
        "tardis trades of unknown takers": Recording(
            {"trades/BTCUSDT.csv": unknown}, [bar(0, 45_002.5, None, 1_000, high=60_010.0, low=60_000.0)],
            "tardis.dev trades"),
        "tardis liquidations": Recording(
            {"liquidations/2024/08/05/BTCUSDT.csv": forced},
            [fact("liquidation", START_MS + 10, side="long", price=59_000.0, size_usd=118_000.0)],
            "tardis.dev liquidations"),
        "tardis derivative ticker": Recording(
            {"binance-futures_derivative_ticker_2024-08-05_BTCUSDT.csv": ticker},
            [fact("open_interest", START_MS + 900, oi_usd=4_800_800_000.0),
             fact("mark", START_MS + 900, mark_price=60_010.0, index_price=60_002.0),
             fact("funding", START_MS + 900, rate_pct=0.01, interval_h=8.0, rate_stage="forecast"),
             fact("mark", START_MS + 1_500, mark_price=60_020.0)], "tardis.dev derivative ticker"),
    }  # fmt: skip


def vendors(folder: Path) -> dict[str, Recording]:
    def answer(*rows: Mapping[str, Any]) -> str:
        return json.dumps({"code": "0", "msg": "success", "data": rows})

    hours = [START_MS, START_MS + HOUR_MS]
    end = START_MS + HOUR_MS
    ohlc = {"open": "1", "high": "1", "low": "1"}
    hourly = [bar(0, 600_050.0, span_ms=HOUR_MS), bar(60, 600_050.0, span_ms=HOUR_MS)]
    symbol, seconds = "BTCUSDT_PERP.A", START_MS // 1_000
    candle = {"o": 60_000.0, "h": 60_020.0, "l": 59_990.0, "c": 60_010.0, "v": 10.0, "bv": 6.0, "tx": 5, "btx": 3}
    split = bar(0, 600_050.0, 360_030.0, HOUR_MS)
    split_second = split | {"time_ms": end + HOUR_MS}
    interest = [fact("open_interest", time_ms, oi_usd=80_000 * 60_010.0) for time_ms in (end, end + HOUR_MS)]
    return {
        "Coinglass price": Recording(
            {"futures_price_ohlc_history_BTC_Binance.json": answer(*(
                {"time": at, "open": "60000", "high": "60020", "low": "59990", "close": "60010",
                 "volume_usd": "600050"} for at in hours))}, hourly, "Coinglass price history"),
        "Coinglass liquidations of a pair": Recording(
            {"liquidation_history_BTCUSDT_1h.json": answer(
                {"time": START_MS, "long_liquidation_usd": "2000.5", "short_liquidation_usd": "10"})},
            [fact("liquidation_totals", end, span_ms=HOUR_MS, long_usd=2_000.5, short_usd=10.0)],
            "Coinglass liquidation history", {"venue": "binance"}),
        "Coinglass liquidations of a coin": Recording(
            {"aggregated_BTC_1h.parquet": table(folder / "a.parquet", [
                {"time": START_MS, "aggregated_long_liquidation_usd": 5.0, "aggregated_short_liquidation_usd": 6.0}])},
            [fact("liquidation_totals", end, span_ms=HOUR_MS, long_usd=5.0, short_usd=6.0, venue="aggregate")],
            "Coinglass liquidation history", {"venue": "binance"}),
        "Coinglass funding": Recording(
            {"fundingRate_ohlc_history_BTC_BINANCE_1h.json": answer({"time": START_MS, "close": "0.0123"} | ohlc)},
            [fact("funding", end, rate_pct=0.0123, interval_h=8.0, rate_stage="forecast")],
            "Coinglass funding rate history"),
        "Coinglass funding of an hourly venue": Recording(
            {"fundingRate_ohlc_history_BTC_Hyperliquid_1h.json": answer({"time": START_MS, "close": "0.0012"} | ohlc)},
            [fact("funding", end, rate_pct=0.0012, interval_h=1.0, rate_stage="forecast", venue="hyperliquid")],
            "Coinglass funding rate history"),
        "Coinglass open interest": Recording(
            {"open-interest_aggregated-history_BTC_1h.json": answer(
                {"t": START_MS // 1_000, "o": "1", "h": "1", "l": "1", "c": "7e10"})},
            [fact("open_interest", end, oi_usd=7e10, venue="aggregate")], "Coinglass open interest history"),
        "Coinglass open interest by exchange": Recording(
            {"open-interest_exchange-history-chart_BTC.json": json.dumps({"code": "0", "data": {
                "time_list": hours, "price_list": [1, 1],
                "data_map": {"Binance": [0, 9e9], "Gate.io": [4e9, 4.1e9], "Bitmex": [1e8, 1e8]}}})},
            [fact("open_interest", START_MS, oi_usd=4e9, venue="gate"),
             fact("open_interest", end, oi_usd=4.1e9, venue="gate"), fact("open_interest", end, oi_usd=9e9)],
            "Coinglass open interest by exchange"),
        "Coinalyze JSON": Recording(
            {"open-interest-history.json": json.dumps([{"symbol": symbol, "history": [
                {"t": seconds + at, "o": 1, "h": 1, "l": 1, "c": 80_000} for at in (0, 3_600)]}]),
             "ohlcv-history.json": json.dumps([{"symbol": symbol, "history": [
                 {"t": seconds + at, **candle} for at in (0, 3_600)]}])},
            [split, interest[0], split_second, interest[1]], "Coinalyze OHLCV history"),
        "Coinalyze tables": Recording(
            {f"{symbol}_liquidation-history.csv": lines("2024-08-05 06:00:00,0.5,0", "2024-08-05 07:00:00,0,2"),
             f"{symbol}_ohlcv-history.csv": lines(*(
                 (f"2024-08-05 {hour}:00:00", *candle.values()) for hour in ("06", "07")))},
            [split, fact("liquidation_totals", end, span_ms=HOUR_MS, long_usd=30_005.0, short_usd=0.0), split_second,
             fact("liquidation_totals", end + HOUR_MS, span_ms=HOUR_MS, long_usd=0.0, short_usd=120_020.0)],
            "Coinalyze OHLCV history", {"utc_offset_h": 6.0}),
    }  # fmt: skip


def own_tapes(folder: Path) -> dict[str, Recording]:
    bars = [bar(0, 600_050.0, 360_030.0), bar(1, 600_050.0, 360_030.0)]
    everything = tuple(COLUMNS)
    forced = fact("liquidation", START_MS + MINUTE_MS + 1, side="long", price=59_000.0, size_usd=5_000.0)
    rows = [bars[0], forced, bars[1]]
    through = [{name: row.get(name) for name in everything} for row in rows]
    iso = [row | {"time_ms": f"2024-08-05T00:0{minute}:00{part}+00:00", "span_ms": span} for row, minute, part, span in
           zip(through, (1, 1, 2), ("", ".001", ""), ("60000.0", "", "60000.0"), strict=True)]  # fmt: skip
    stamped = [row | {"time_ms": pa.scalar(row["time_ms"], pa.timestamp("ms")).as_py()} for row in through]
    return {
        "own tape as CSV": Recording(
            {"t.csv": lines(("", *everything), *(
                (number, *("" if cell is None else cell for cell in row.values())) for number, row in enumerate(iso)))},
            rows, "liqbot tape"),
        "own tape as Parquet": Recording({"t.parquet": table(folder / "a.parquet", stamped)}, rows, "liqbot tape"),
    }


def official() -> dict[str, Recording]:
    """A Tuesday's report: 20,000 contracts of 5 BTC and 30,000 of .1, valued with the minute that ends with the day's
    trading, known three days later."""
    close_ms = START_MS + 45 * HOUR_MS
    learnt_ms = START_MS + 4 * 24 * HOUR_MS + 20 * HOUR_MS + 30 * MINUTE_MS
    told = [bar(2_699, 600_050.0, 360_030.0, learnt_ms=close_ms),
            fact("open_interest", close_ms, venue="cme", oi_usd=103_000 * 60_010.0, learnt_ms=learnt_ms)]
    candle = lines(KLINE_HEAD, kline(2_699))
    names = {
        "kept by others": ("report_date", "market_code", "open_interest", "2024-08-06"),
        "of its query service": ("report_date_as_yyyy_mm_dd", "cftc_contract_market_code", "open_interest_all",
                                 "2024-08-06T00:00:00.000"),
        "of its archive": ("Report_Date_as_YYYY-MM-DD", "CFTC_Contract_Market_Code", "Open_Interest_All", "2024-08-06"),
    }
    return {
        f"CFTC report {which}": Recording(
            {"BTCUSDT-1m-2024-08.csv": candle,
             "cot.csv": lines(("market", date, code, count), *(
                 ("A MARKET", day, *row) for row in (("133741", 20_000), ("088691", 500_000), ("133742", 30_000))))},
            told, "CFTC weekly report (CME open interest)")
        for which, (date, code, count, day) in names.items()
    }  # fmt: skip


def recordings(folder: Path) -> dict[str, Recording]:
    """One or more of every format. `folder` is for what has to be written to be made."""
    return official() | binance_archive() | candles(folder) | tardis() | vendors(folder) | own_tapes(folder)
