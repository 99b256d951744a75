"""Names and texts are in the terms of the code's domain. The lists here have the
words and the names that were replaced; no file but the changelog contains them.

    language_test.py [PATH...]    runs the test on all files, or lists what it
                                  finds in the files below PATH
"""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Not searched: this list, the changelog, and what is not text of this project.
EXCLUDED = re.compile(
    r"tests/conventions/language_test\.py$|\.github/CHANGELOG\.md$"
    r"|package-lock\.json$|tests/fuzz/\w+/|\.png$|tests/support/.*\.seed$"
)

# Words of a text, with identifiers split: `kMaxPlace` is `k max place`. Persons,
# metaphors and verbs of speech; the value names the terms to use.
WORDS = {
    r"crews?": "thread pool",
    r"doors?": "server security",
    r"judges?|judged|judging": "check, validate",
    r"believes?|believed|believing": "accept, trust",
    r"strangers?|visitors?|newcomers?": "client",
    r"patience": "timeout",
    r"leisure": "idle timeout",
    r"farewell|goodbye": "linger timeout, close",
    r"whoever|somebody|anybody|everybody|someone|anyone": "client, process, caller",
    r"nobody": "no client, no process, no caller",
    r"to be had": "available",
    r"(?:is|are|was|were) none": "no ...",
    r"his|him|himself": "its",
    r"tells?|told|telling": "return, report, distinguish",
    r"says?|said|saying": "return, report, contain",
    r"asks?|asked|asking": "request, query",
    r"places?": "path, position, instance",
    r"sieges?|besieged?": "stress",
    r"referees?": "validator",
    r"hires?|hired": "start a thread",
    r"knocks?|knocked": "connect",
    r"riddles?|sits? in|lives? in": "is in",
    r"honest(?:ly)?": "respond correctly",
    r"sidecars?": "report",
    r"gates?": "blocking handler",
    r"complains?|complained": "print an error",
    r"forgets?|forgot(?:ten)?|remembers?": "evict; cache",
}

# Where such a word is a term: it is removed before the search.
TERMS = re.compile(
    r"-u nobody|user nobody|\bnobody nogroup|\"nobody\"|'nobody'|NOBODY"
    r"|nobody@localhost|place-items"
    r"|\b(?:in|into|take|takes|taking|out of) place\b|in its place"
    r"|\bis (?:not )?None\b|\w*IsNone\b|\bplaces=\d"
    r"|jemalloc_exporter_ask/"
    # The names that keep working for one release.
    r"|--sidecar|JEMALLOC_EXPORTER_TEST_SIDECAR|JEMALLOC_EXPORTER_SIDECAR"
    r"|[Ss]idecar containers?|sidecar_?container",
)

# Identifiers and file names that have another name now.
NAMES = """
HeapReading heap_refresh RefreshHeap last_of ThreadBytes thread_bytes ToHuman
heap_format json_values JsonValue ReadJsonValues heap_json_reader ReadHeapField
ExpectObject HeapSidecar HeapRecord tests_forgotten IsSidecar SidecarFromJson
heap_sidecar jemalloc_tests_forgotten_total whole_file WriteWholeFile
ValidUtf8 valid_utf8 test_families test_process test_reading test_records
TestReading ReadBeforeTest RecordBetween TestRecords ForgetLeast Complain
WriteInterimSidecar next_interim WriteOrComplain PushAtEnd PushInTime heap_push
kLeave OpenLeave WaitToLeave LeaveHostsDescriptors LeaveHostsFolder
AnswerWriter answer_writer answer_parser WriteAnswer ParsedAnswer kMaxAnswerSize
kMaxPlace agent_reader ReadAgents ArePlacesWanted TakePlacesOfSilent kMaxClaimed
pid_is_claimed DropClaimedBeyondLimit is_asked socket_list ListAgents
AgentsInSocketTable PidNamespaces AllowedUids allowed_uids old_libc GiveWay
StandWatch WorkOnWatch Supervise kPatience OpenDoor Admission kGranted
on_stranger live_web_config LiveWebConfig WebConfigReports Answering Refusal
CallIfAllowed KeepsConnection WriteAnswer kWaitsToReceive kWaitsToSend
MakeRoom HasRoom MostDispensable CutOff CutOffLate rest_until WatchOrClose
quiet_thread StartQuietThread AddPage ErrorPage MetricsPage WritePage on_answer
on_problem JudgeBeginning ReadMeaning HeadSize ShakeHands kWorthPacking
tls_priorities scrape_patience PatienceOfScrape ReadOtherProcesses
ReadProcessesBelow IsBelow self_families process_families process_records
ForgetSmallest BecomeCommand TakeSignals LeaveDescriptors StartBeside AwaitEnd
PassOn StopWith kPatienceWithServe CommandEnd exec_sidecar kLeastInterim
kPausePerLook EndSoon OpenDoorOf SignalsThatEnd WarnOfNoProcess
AllowManyDescriptors kTimeToStart WhyNothing TableRoom LeaveOut IsRemark
label_text LabelText ToByteUnits ToDecimal InOtherProcess other_process
rich_families strict_page strict_answers strict_family strict_line
openmetrics_referee kSoon kNotInThisTest heap_listener_subject metrics_page
request_head http_loop http_connection
agent_query LatestResponse latest_response SharedRuns shared_runs SignalWitness
signal_witness
""".split()

NAMES_PATTERN = re.compile(r"(?<!\w)(?:%s)(?!\w)" % "|".join(sorted(set(NAMES))))
WORDS_PATTERN = re.compile(r"\b(?:%s)\b" % "|".join(WORDS))


def split(text):
    """`text` in lower case, its identifiers split into words."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_", " ", text)
    return text.lower()


def findings(text):
    """The names and words in a line that have a replacement."""
    found = NAMES_PATTERN.findall(text)
    return found + WORDS_PATTERN.findall(split(TERMS.sub(" ", text)))


def files(paths=()):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *paths],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if not EXCLUDED.search(name) and (ROOT / name).is_file():
            yield name


def offences(paths=()):
    """One line for each finding in a name or a text of a file."""
    for name in files(paths):
        for found in findings(name):
            yield f"{name}: in the name: {found}"
        text = (ROOT / name).read_text(errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            for found in findings(line):
                yield f"{name}:{number}: {found}: {line.strip()[:80]}"


class Language(unittest.TestCase):
    def test_no_replaced_word_or_name_remains(self):
        found = list(offences())
        self.assertFalse(found, f"{len(found)} findings:\n" + "\n".join(found[:200]))


class Checker(unittest.TestCase):
    def test_finds_words_in_identifiers(self):
        for text in ("kMaxPlace", "max_place", "// Tells it.", "HTTPDoor", "NotToBeHad"):
            self.assertTrue(findings(text), text)

    def test_accepts_terms(self):
        for text in (
            "written in place",
            "runuser -u nobody -- true",
            "if x is None or y is not None: self.assertIsNone(z)",
            "placeholder, tellg(), mask, outdoor, pushgateway",
            "--sidecar is now --report",
        ):
            self.assertEqual(findings(text), [], text)


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] not in ("Language", "Checker"):
        for offence in offences(sys.argv[1:]):
            print(offence)
    else:
        unittest.main()
