"""`./dev rebuild` against a projector that is told what to answer: what is asked, what is shown, how it ends."""

import http.server
import io
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import everfold_dev  # noqa: F401  (puts deploy/dev on the path)
import differences
import rebuild
from progress import Done, Progress, bar, duration

DEV = Path(__file__).resolve().parents[2] / "dev"
CHANGED = {"key": "o-1", "live": {"total": {"amount": 1, "currency": "USD"}}, "rebuilt": {"total": {"amount": 2, "currency": "USD"}}}


def view(name="orders", generation=3, **more):
    return {"name": name, "version": 4, "generation": generation, "state": "live", "lag": 7, "lagSeconds": 1.5, "rate": 10,
            "partitions": [{"log": "orders.0", "position": 10, "end": 17, "lag": 7}],
            "generations": [{"number": generation, "version": 4, "live": True, "state": "live", "createdAt": "2026-01-31T12:00:00.000Z"}],
            **more}


def building(state, events=50, **more):
    return {"state": state, "generation": 4, "events": events, "records": events, "total": 100, "rate": 25, "etaSeconds": 2, "switch": "auto", **more}


def found(samples, rows=9, **counts):
    index = {"entries": 2 * rows, "added": 0, "lost": 0, "changed": 0}
    return {"rows": rows, "added": 0, "lost": 0, "changed": 0, "index": index, **counts, "samples": samples}


class Projector:
    """Views by name; of each a list of what it shows, one after another, the last for ever."""

    def __init__(self, test, *shows):
        self.shows = {each[0]["name"]: list(each) for each in shows}
        self.asked = []          # (path, body) of the POSTs
        self.on_post = {}        # path: (status, body)
        self.gets = {}           # path: body
        self.looks = 0
        self.away, self.looks_in_vain = False, 0  # away: no answer at all
        projector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                if projector.away:
                    projector.looks_in_vain += 1
                    return
                self.answer(*projector.get(self.path))

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                projector.asked.append((self.path, body))
                if self.path.endswith("/rebuild"):
                    projector.go_on(self.path.split("/")[3])
                self.answer(*projector.on_post.get(self.path, (202, {})))

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        test.addCleanup(self.close)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def go_on(self, name):
        """The first is how it was before anybody asked for anything."""
        if len(self.shows[name]) > 1:
            self.shows[name].pop(0)

    def get(self, path):
        if path in self.gets:
            return 200, self.gets[path]
        if path == "/admin/views":
            self.looks += 1
            return 200, {"views": [shows.pop(0) if self.asked and len(shows) > 1 else shows[0] for shows in self.shows.values()]}
        name = path.removeprefix("/admin/views/")
        return (200, self.shows[name][0]) if name in self.shows else (404, {"error": "NotFound", "message": "no"})


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.home = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="everfold-rebuild-")))

    def environment(self, projector):
        return {**os.environ, "EVERFOLD_HOME": str(self.home), "EVERFOLD_PROJECTOR_PORT": str(projector.port)}

    def dev(self, projector, *arguments, status=0):
        done = subprocess.run([DEV, "rebuild", *arguments], env=self.environment(projector), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        return done

    def launch(self, projector, *arguments):
        return subprocess.Popen([DEV, "rebuild", *arguments], env=self.environment(projector), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def until(self, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def test_a_rebuild_is_asked_for_shown_and_told(self):
        projector = Projector(self, [view(), view(rebuild=building("folding")), view(rebuild=building("verifying", 100)),
                                     view(generation=4, rebuild=building("switched", 100, verify=found([])))])
        done = self.dev(projector, "orders", "--verify")
        self.assertEqual(projector.asked, [("/admin/views/orders/rebuild", {"from": "earliest", "verify": True, "switch": "auto"})])
        self.assertIn("orders: switched to generation 4, 100 events\n  9 rows compared: 0 added, 0 lost, 0 changed\n"
                      "  18 index entries compared: 0 added, 0 lost, 0 changed\n", done.stdout)
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        self.assertEqual([line["state"] for line in lines], ["folding", "verifying", "switched"])
        self.assertEqual(lines[0], {"name": "orders", "state": "folding", "records": 50, "total": 100, "rate": 25, "eta_s": 2})

    def test_differences_are_printed_and_the_exit_status_says_so(self):
        over = building("ready", 100, verify=found([CHANGED], changed=2))
        done = self.dev(Projector(self, [view(), view(rebuild=over)]), "orders", "--verify", status=1)
        self.assertIn("9 rows compared: 0 added, 0 lost, 2 changed", done.stdout)
        self.assertIn("  changed  o-1\n", done.stdout)
        self.assertIn('    live     {"total": {"amount": 1, "currency": "USD"}}\n', done.stdout)
        self.assertIn('    rebuilt  {"total": {"amount": 2, "currency": "USD"}}\n    total.amount: 1 -> 2\n', done.stdout)
        self.assertIn("./dev rebuild differences orders prints all of them", done.stdout)
        self.assertIn("./dev rebuild switch orders lets readers have it, ./dev rebuild stop orders gives it up", done.stdout)

    def test_ready_is_the_end_only_when_somebody_must_say_switch(self):
        manual = Projector(self, [view(), view(rebuild=building("ready", switch="manual"))])
        self.assertIn("orders: ready, and not switched to yet", self.dev(manual, "orders", "--switch", "manual").stdout)
        auto = Projector(self, [view(), view(rebuild=building("ready")), view(generation=4, rebuild=building("switched"))])
        self.assertIn("orders: switched to generation 4", self.dev(auto, "orders").stdout)

    def test_failed_and_stopped_are_told(self):
        for state, says in (("failed", "failed: the disk is full"), ("stopped", "stopped")):
            projector = Projector(self, [view(), view(rebuild=building(state, failure="the disk is full"))])
            self.assertIn(f"orders: {says}", self.dev(projector, "orders", status=1).stdout)

    def test_all_of_them(self):
        projector = Projector(self, [view(), view(generation=4, rebuild=building("switched"))],
                              [view("stock"), view("stock", rebuild=building("folding")), view("stock", 9, rebuild=building("switched"))])
        done = self.dev(projector, "--all", "--from", "2026-01-31T12:00:00Z")
        self.assertEqual([(path, body["from"]) for path, body in projector.asked],
                         [(f"/admin/views/{name}/rebuild", "2026-01-31T12:00:00Z") for name in ("orders", "stock")])
        self.assertIn("stock: switched to generation 9", done.stdout)

    def test_one_under_way_is_not_begun_again(self):
        projector = Projector(self, [view()], [view("stock", rebuild=building("folding"))])
        self.assertIn("./dev rebuild stop stock", self.dev(projector, "--all", status=1).stderr)
        self.assertEqual(projector.asked, [])

    def test_an_interrupt_leaves_it_running(self):
        projector = Projector(self, [view(), view(rebuild=building("folding"))])
        running = self.launch(projector, "orders")
        self.until(lambda: projector.asked and projector.looks > 1)
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=20)
        self.assertEqual(running.returncode, 130, out)
        self.assertIn("./dev rebuild follow orders shows it, ./dev rebuild stop orders ends it", out)
        self.assertEqual(len(projector.asked), 1)

    def test_an_interrupt_stops_it_when_that_was_said(self):
        projector = Projector(self, [view(), view(rebuild=building("folding"))])
        running = self.launch(projector, "orders", "--stop-on-interrupt")
        self.until(lambda: projector.asked and projector.looks > 1)
        running.send_signal(signal.SIGTERM)
        out, _ = running.communicate(timeout=20)
        self.assertEqual(running.returncode, 130, out)
        self.assertEqual(projector.asked[-1][0], "/admin/views/orders/stop")

    def test_a_projector_that_starts_again_is_waited_for(self):
        projector = Projector(self, [view(), view(rebuild=building("folding"))])
        running = self.launch(projector, "orders")
        self.until(lambda: projector.asked and projector.looks > 1)
        projector.away = True
        self.until(lambda: projector.looks_in_vain > 2)
        projector.shows["orders"] = [view(generation=4, rebuild=building("switched"))]
        projector.away = False
        out, _ = running.communicate(timeout=20)
        self.assertEqual((running.returncode, "switched to generation 4" in out), (0, True), out)

    def test_what_was_over_before_the_projector_started_again_is_told(self):
        shows = [view(), view(rebuild=building("verifying", verify=found([]))), view(generation=4)]
        done = self.dev(Projector(self, shows), "orders", "--verify")
        self.assertIn("switched to generation 4", done.stdout)
        opening = view(generation=0, state="building")
        shows = [view(), view(rebuild=building("folding")), opening, view(), view(generation=4, rebuild=building("switched"))]
        self.assertIn("switched to generation 4", self.dev(Projector(self, shows), "orders").stdout)
        forgotten = Projector(self, [view(), view(rebuild=building("folding")), view()])
        self.assertIn("knows of no rebuild; generation 3 is live", self.dev(forgotten, "orders", status=1).stdout)

    def test_a_pointer_moves_only_from_what_was_seen(self):
        projector = Projector(self, [view()])
        for action in ("rollback", "switch"):
            projector.on_post[f"/admin/views/orders/{action}"] = (202, view())
        self.dev(projector, "rollback", "orders")
        self.dev(projector, "switch", "orders", "--expected", "2")
        self.assertEqual(projector.asked, [("/admin/views/orders/rollback", {"expected": 3}),
                                           ("/admin/views/orders/switch", {"expected": 2})])
        projector.on_post["/admin/views/orders/switch"] = (409, {"message": "generation 4 is live, not 3"})
        self.assertIn("generation 4 is live, not 3", self.dev(projector, "switch", "orders", status=1).stderr)

    def test_a_move_that_takes_its_time_is_followed(self):
        projector = Projector(self, [view(rebuild=building("catching_up")), view(generation=2, rebuild=building("switched"))])
        projector.on_post["/admin/views/orders/rollback"] = (202, view(rebuild=building("catching_up")))
        self.assertIn("orders: generation 2 is live; it was 3", self.dev(projector, "rollback", "orders").stdout)

    def test_an_index_that_differs_is_a_difference(self):
        entry = {"key": "placed/1/o-1", "index": True, "live": None, "rebuilt": "o-1"}
        verify = found([entry], index={"entries": 9, "added": 1, "lost": 0, "changed": 0})
        projector = Projector(self, [view(), view(rebuild=building("ready", verify=verify))])
        told = self.dev(projector, "orders", "--verify", status=1).stdout
        self.assertIn("9 index entries compared: 1 added", told)
        self.assertIn('  added    index entry placed/1/o-1\n    rebuilt  "o-1"\n', told)

    def test_offsets_come_from_a_file(self):
        file = self.home / "offsets.json"
        file.write_text('{"orders.3": 1042}')
        projector = Projector(self, [view(), view(generation=4, rebuild=building("switched"))])
        self.dev(projector, "orders", "--from", str(file))
        self.assertEqual(projector.asked[0][1]["from"], {"orders.3": 1042})

    def test_a_single_row(self):
        projector = Projector(self, [view()])
        path = "/admin/views/orders/rebuild"
        projector.on_post[path] = (200, {"changed": False})
        self.assertIn("row o-1 is as its events say", self.dev(projector, "orders", "--key", "o-1").stdout)
        self.assertEqual(projector.asked, [(path, {"key": "o-1"})])
        projector.on_post[path] = (200, {"changed": True, **CHANGED, "differences": [CHANGED]})
        self.assertIn("total.amount: 1 -> 2", self.dev(projector, "orders", "--key", "o-1", status=1).stdout)

    def test_status(self):
        projector = Projector(self, [view(rebuild=building("folding"))], [view("stock", state="paused")])
        shown = self.dev(projector, "status").stdout
        self.assertRegex(shown, r"VIEW +GENERATION +STATE +LAG +BEHIND +RATE +REBUILD\n"
                                r"orders +3 +live +7 +2 s +10 +folding 50 %, ETA 2 s\nstock +3 +paused +7 +2 s +10 +-\n")
        self.assertNotIn("orders.0", shown)
        self.assertRegex(self.dev(projector, "status", "orders").stdout, r"orders\.0 +10 +17 +7")
        self.assertEqual(json.loads(self.dev(projector, "status", "--json").stdout)["views"][1]["name"], "stock")

    def test_directories_are_the_callers(self):
        projector = Projector(self, [view()])
        subprocess.run([DEV, "rebuild", "checkpoint", "orders", "copy"], env=self.environment(projector), cwd=self.home, check=True,
                       capture_output=True, timeout=60)
        self.assertEqual(projector.asked, [("/admin/views/orders/checkpoint", {"directory": str(self.home / "copy")})])

    def test_all_differences_and_what_was_done(self):
        projector = Projector(self, [view()])
        projector.gets["/admin/views/orders/differences"] = {"differences": [CHANGED]}
        self.assertEqual(json.loads(self.dev(projector, "differences", "orders", "--json", status=1).stdout), CHANGED)
        done = {"id": "x", "at": "2026-01-31T12:00:00.000Z", "actor": "ann", "type": "ViewPaused", "view": "orders", "data": {"view": "orders"}}
        projector.gets["/admin/operations"] = {"operations": [done]}
        self.assertIn("ann", self.dev(projector, "operations").stdout)
        self.assertEqual(json.loads(self.dev(projector, "operations", "--json").stdout), done)

    def test_what_cannot_be_meant(self):
        projector = Projector(self, [view()])
        for arguments, says in ((["--verify"], "Name the views, or --all"), (["orders", "--all"], "Name the views, or --all"),
                                (["--all", "--key", "x"], "--key"), (["orders", "--from", "yesterday"], "yesterday"),
                                (["status", "--switch", "auto"], "--switch")):
            self.assertIn(says, self.dev(projector, *arguments, status=2).stderr)
        self.assertIn("there are orders", self.dev(projector, "oders", status=1).stderr)
        self.assertEqual(projector.asked, [])


class Parts(unittest.TestCase):
    def test_what_names_no_action_is_started(self):
        options = ("--home",)
        for given, meant in ((["orders", "--verify"], ["start", "orders", "--verify"]), (["--all"], ["start", "--all"]),
                             (["--home", "x", "orders"], ["--home", "x", "start", "orders"]), (["status"], ["status"]),
                             (["--home", "status", "prune"], ["--home", "status", "prune"]), (["--help"], ["--help"]), ([], [])):
            self.assertEqual(rebuild.with_action(given, options), meant)

    def test_the_fields_that_differ(self):
        for live, rebuilt, differing in (
                ({"a": 1}, {"a": 1}, []), ({"a": 1}, {"a": "1"}, ["a"]), ({"a": True}, {"a": 1}, ["a"]),
                ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3, 4]}}, ["a.b[1]", "a.b[2]"]), ({"a": 1}, {"b": 1}, ["a", "b"]),
                ({"a": None}, {}, ["a"])):
            self.assertEqual([field for field, _, _ in differences.fields_that_differ(live, rebuilt)], differing)

    def test_added_and_lost_are_seen_from_the_live_generation(self):
        self.assertIn("added    k", differences.text_of({"key": "k", "live": None, "rebuilt": {}}))
        self.assertIn("lost     k", differences.text_of({"key": "k", "live": {"a": 1}}))
        self.assertIn("the bytes differ", differences.text_of({"key": "k", "live": {}, "rebuilt": {}}))

    def test_a_bar(self):
        self.assertEqual(bar(Done("orders", "catching_up", 1500, 2000, 250000.4, 61.2), 8),
                         "orders    [###############.....]  75 %  1,500 of 2,000  250,000/s  ETA 1 min 1 s  catching up")
        self.assertEqual(bar(Done("orders", "folding", 0, 0)), "orders  folding")
        self.assertEqual(bar(Done("orders", "live")), "orders  live")
        self.assertEqual([duration(s) for s in (0.2, 59.4, 3599, 7325)], ["0 s", "59 s", "59 min 59 s", "2 h 2 min"])

    def test_a_terminal_gets_bars_that_are_drawn_anew(self):
        terminal = io.StringIO()
        terminal.isatty = lambda: True
        progress = Progress(terminal)
        progress.show([Done("orders", "folding", 1, 2), Done("stock", "folding")])
        progress.show([Done("orders", "folding", 2, 2), Done("stock", "folding")])
        progress.clear()
        written = terminal.getvalue()
        self.assertEqual(written.count("\033[2A"), 2)
        self.assertTrue(written.endswith("\033[2A\r\033[J"), written)

    def test_lines_come_with_news_and_once_a_second(self):
        stream = io.StringIO()
        progress = Progress(stream)
        for state in ("folding", "folding", "verifying", "verifying"):
            progress.show([Done("orders", state)])
        self.assertEqual([json.loads(line)["state"] for line in stream.getvalue().splitlines()], ["folding", "verifying"])


if __name__ == "__main__":
    unittest.main()
