// Configurations that are wrong, and what must be said of each.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace emulsion::service {

// The text of emulsiond.conf and the faults that it must give: these, in this order, and no others.
struct WrongFile {
  const char* text;
  std::vector<std::string> faults;
};

inline const std::vector<WrongFile> kWrongFiles = {
    // Lines and sections.
    {"components 4\n",
     {R"(emulsiond.conf:1: components 4: is not a setting; allowed: KEY = VALUE, [SECTION], or # COMMENT)"}},
    {"\n\n= 4\n", {R"(emulsiond.conf:3: = 4: has no key; allowed: KEY = VALUE, [SECTION], or # COMMENT)"}},
    {"[defaults\ncomponents = 4\n",
     {R"(emulsiond.conf:1: [defaults: the section is not closed; allowed: [defaults], [stream.NAME])"}},
    {"[default]\ncomponents = 4\n",
     {R"(emulsiond.conf:1: [default]: unknown section; allowed: [defaults], [stream.NAME]; did you mean "[defaults]"?)"}},
    {"[streams.office]\n",
     {R"(emulsiond.conf:1: [streams.office]: unknown section; allowed: [defaults], [stream.NAME]; did you mean "[stream.office]"?)"}},
    {"[logging]\nlevel = info\n",
     {R"(emulsiond.conf:1: [logging]: unknown section; allowed: [defaults], [stream.NAME])"}},
    {"[stream.my office]\n",
     {R"(emulsiond.conf:1: [stream.my office]: "my office" is not a stream name; allowed: 1 to 64 of A-Z a-z 0-9 _ -)"}},
    {"[stream.a.b]\ncomponents = 4\n",
     {R"(emulsiond.conf:1: [stream.a.b]: "a.b" is not a stream name; allowed: 1 to 64 of A-Z a-z 0-9 _ -)"}},
    {"[stream.]\n", {R"(emulsiond.conf:1: [stream.]: "" is not a stream name; allowed: 1 to 64 of A-Z a-z 0-9 _ -)"}},
    // Keys.
    {"outptu = tcp://127.0.0.1:7702\n", {R"(emulsiond.conf:1: outptu: unknown key; did you mean "output"?)"}},
    {"colour = green\n", {R"(emulsiond.conf:1: colour: unknown key)"}},
    {"components = 4\n",
     {R"(emulsiond.conf:1: components: unknown key; "components" belongs into [defaults] or [stream.NAME])"}},
    {"stream.office = 4\n", {R"(emulsiond.conf:1: stream.office: unknown key; allowed: stream.NAME.KEY)"}},
    {"[defaults]\n\ncomponets = 4\n",
     {R"(emulsiond.conf:3: defaults.componets: unknown key; did you mean "components"?)"}},
    {"[defaults]\nhttp = 127.0.0.1:1\n",
     {R"(emulsiond.conf:2: defaults.http: unknown key; "http" belongs before the first section)"}},
    {"[stream.office]\nhalf_live_points = 4\n",
     {R"(emulsiond.conf:2: stream.office.half_live_points: unknown key; did you mean "half_life_points"?)"}},
    {"log_level = info\n# again:\nlog_level = debug\n",
     {R"(emulsiond.conf:3: log_level: set twice; the first time on line 1)"}},
    {"[defaults]\nthreads = 1\n[stream.a]\nthreads = 1\n[defaults]\nthreads = 2\n",
     {R"(emulsiond.conf:6: defaults.threads: set twice; the first time on line 2)"}},
    {"queue_messages = 1\nqueue_messages = 0\n",
     {R"(emulsiond.conf:2: queue_messages: set twice; the first time on line 1)",
      R"(emulsiond.conf:2: queue_messages: 0 is out of range; allowed: [1, 10000000] messages)"}},
    // Mixtures.
    {"[stream.a]\nmixture = 2*normal +\n",
     {R"(emulsiond.conf:2: stream.a.mixture: mixture "2*normal +": it ends where the name of a family was expected)"}},
    {"[stream.a]\nmixture = normal[0] * poisson[0]\n",
     {R"(emulsiond.conf:2: stream.a.mixture: family "normal[0]*poisson[0]": column 0 is there twice)"}},
    {"[stream.a]\nmixture = normal[t] * poisson[n]\ncolumns = t, count\n",
     {R"(emulsiond.conf:3: stream.a.columns: mixture "normal[t] * poisson[n]": there is "n]" where one of the columns t, count was expected)"}},
    {"[stream.a]\nmixture = normal[0] * poisson[1]\ndimension = 3\n",
     {R"(emulsiond.conf:3: stream.a.dimension: normal[0]*poisson[1]: 3 coordinates, expected 2)"}},
    {"[stream.a]\ncolumns = t, h\ndimension = 3\n",
     {R"(emulsiond.conf:3: stream.a.dimension: 2 columns are named, dimension is 3; allowed: as many names as coordinates)"}},
    {"[stream.a]\ncolumns = t, t\n",
     {R"(emulsiond.conf:2: stream.a.columns: "t" is there twice; allowed: different names with commas between, or nothing)"}},
    {"[stream.a]\ncolumns = t,,h\n",
     {R"(emulsiond.conf:2: stream.a.columns: a name is empty; allowed: different names with commas between, or nothing)"}},
    // Values of any key.
    {"state_directory = state#1\n",
     {R"(emulsiond.conf:1: state_directory: a value cannot hold "#", which begins a comment)"}},
    {"log_level = \"info\"\n",
     {R"(emulsiond.conf:1: log_level: "info" begins with a quote; allowed: values without quotes)"}},
    {"state_directory = a\x01z\n", {R"(emulsiond.conf:1: state_directory: "a\x01z" holds a control character)"}},
    // Whole numbers.
    {"queue_messages = many\n",
     {R"(emulsiond.conf:1: queue_messages: "many" is not a whole number; allowed: [1, 10000000] messages)"}},
    {"queue_messages = 0\n",
     {R"(emulsiond.conf:1: queue_messages: 0 is out of range; allowed: [1, 10000000] messages)"}},
    {"queue_messages =\n",
     {R"(emulsiond.conf:1: queue_messages: "" is not a whole number; allowed: [1, 10000000] messages)"}},
    {"max_message_bytes = 4294967296\n",
     {R"(emulsiond.conf:1: max_message_bytes: 4294967296 is out of range; allowed: [1024, 2147483647] bytes)"}},
    {"max_message_bytes = 64M\n",
     {R"(emulsiond.conf:1: max_message_bytes: "64M" is not a whole number; allowed: [1024, 2147483647] bytes)"}},
    {"[defaults]\ncomponents = 4.5\n",
     {R"(emulsiond.conf:2: defaults.components: "4.5" is not a whole number; allowed: [1, 4096])"}},
    {"[defaults]\nthreads = -1\n",
     {R"(emulsiond.conf:2: defaults.threads: -1 is out of range; allowed: [1, 256] threads)"}},
    {"[defaults]\nrandom_seed = -1\n",
     {R"(emulsiond.conf:2: defaults.random_seed: -1 is out of range; allowed: >= 0)"}},
    {"[defaults]\nrandom_seed = 18446744073709551616\n",
     {R"(emulsiond.conf:2: defaults.random_seed: 18446744073709551616 is out of range; allowed: >= 0)"}},
    {"[defaults]\nbatch_points = 1 000\n",
     {R"(emulsiond.conf:2: defaults.batch_points: "1 000" is not a whole number; allowed: [1, 1048576] points)"}},
    // Numbers.
    {"[defaults]\nstep_exponent = 1.4\n",
     {R"(emulsiond.conf:2: defaults.step_exponent: 1.4 is out of range; allowed: (0.5, 1])"}},
    {"[defaults]\nstep_exponent = 0.5\n",
     {R"(emulsiond.conf:2: defaults.step_exponent: 0.5 is out of range; allowed: (0.5, 1])"}},
    {"[defaults]\nstep_exponent = 0,9\n",
     {R"(emulsiond.conf:2: defaults.step_exponent: "0,9" is not a number; allowed: (0.5, 1])"}},
    {"[defaults]\nstep_size = 1\n", {R"(emulsiond.conf:2: defaults.step_size: 1 is out of range; allowed: (0, 1))"}},
    {"[defaults]\nprior_fraction = nan\n",
     {R"(emulsiond.conf:2: defaults.prior_fraction: "nan" is not a number; allowed: > 0)"}},
    {"[defaults]\nbatch_seconds = inf\n",
     {R"(emulsiond.conf:2: defaults.batch_seconds: inf is out of range; allowed: >= 0 seconds)"}},
    {"[defaults]\nbatch_seconds = 1e999\n",
     {R"(emulsiond.conf:2: defaults.batch_seconds: 1e999 is out of range; allowed: >= 0 seconds)"}},
    {"save_interval_seconds = 10s\n",
     {R"(emulsiond.conf:1: save_interval_seconds: "10s" is not a number; allowed: [0, 86400] seconds)"}},
    {"save_interval_seconds = 86401\n",
     {R"(emulsiond.conf:1: save_interval_seconds: 86401 is out of range; allowed: [0, 86400] seconds)"}},
    // Words.
    {"log_level = warn\n",
     {R"(emulsiond.conf:1: log_level: "warn" is not known; allowed: trace, debug, info, warning, error; did you mean "warning"?)"}},
    {"log_format = xml\n", {R"(emulsiond.conf:1: log_format: "xml" is not known; allowed: text, json)"}},
    {"exit_after_replay = yes\n", {R"(emulsiond.conf:1: exit_after_replay: "yes" is not known; allowed: true, false)"}},
    {"[defaults]\ncovariance = fulll\n",
     {R"(emulsiond.conf:2: defaults.covariance: "fulll" is not known; allowed: full, diagonal, spherical, tied; did you mean "full"?)"}},
    {"[defaults]\nassignment = Soft\n",
     {R"(emulsiond.conf:2: defaults.assignment: "Soft" is not known; allowed: soft, hard; did you mean "soft"?)"}},
    {"[defaults]\nstep = power_law\n",
     {R"(emulsiond.conf:2: defaults.step: "power_law" is not known; allowed: power-law, constant, half-life, cumulative; did you mean "power-law"?)"}},
    {"[defaults]\nmissing = ignore\n",
     {R"(emulsiond.conf:2: defaults.missing: "ignore" is not known; allowed: learn, refuse)"}},
    // Endpoints and inputs.
    {"output = 127.0.0.1:7702\n",
     {R"(emulsiond.conf:1: output: "127.0.0.1:7702" is not an endpoint; allowed: tcp://HOST:PORT, ipc://PATH, inproc://NAME)"}},
    {"output = tcp://127.0.0.1\n", {R"(emulsiond.conf:1: output: "tcp://127.0.0.1" has no port; allowed: HOST:PORT)"}},
    {"control = tcp://127.0.0.1:0\n",
     {R"(emulsiond.conf:1: control: "tcp://127.0.0.1:0" has no valid port; allowed: 1 to 65535, or * for any free port)"}},
    {"control = tcp://:7703\n",
     {R"(emulsiond.conf:1: control: "tcp://:7703" has no valid host; allowed: a name, an IPv4 address, an IPv6 address in [ ], or *)"}},
    {"control = ipc://\n", {R"(emulsiond.conf:1: control: "ipc://" has a path of 0 bytes; allowed: 1 to 107)"}},
    {"control = inproc://\n", {R"(emulsiond.conf:1: control: "inproc://" has no name; allowed: inproc://NAME)"}},
    {"http = 7704\n", {R"(emulsiond.conf:1: http: "7704" has no port; allowed: HOST:PORT)"}},
    {"http = localhost:65536\n",
     {R"(emulsiond.conf:1: http: "localhost:65536" has no valid port; allowed: 0 to 65535, where 0 is any free port)"}},
    {"http = *:7704\n",
     {R"(emulsiond.conf:1: http: "*:7704" has no valid host; allowed: a name, an IPv4 address, or an IPv6 address in [ ])"}},
    {"family_library = /nowhere/f.so\n",
     {R"(emulsiond.conf:1: family_library: /nowhere/f.so: cannot be loaded: cannot open shared object file: No such file or directory)"}},
    {"input =\n", {R"(emulsiond.conf:1: input: "" is not known; allowed: pull, subscribe, replay)"}},
    {"input = push bind tcp://127.0.0.1:1\n",
     {R"(emulsiond.conf:1: input: "push" is not known; allowed: pull, subscribe, replay)"}},
    {"input = pull tcp://127.0.0.1:1\n",
     {R"(emulsiond.conf:1: input: "tcp://127.0.0.1:1" is not known; allowed: bind, connect)"}},
    {"input = pull connect tcp://127.0.0.1:*\n",
     {R"(emulsiond.conf:1: input: "tcp://127.0.0.1:*" has no valid port; allowed: 1 to 65535)"}},
    {"input = subscribe connect tcp://*:5\n",
     {R"(emulsiond.conf:1: input: "tcp://*:5" has no valid host; allowed: a name, an IPv4 address, or an IPv6 address in [ ])"}},
    {"input = replay a.b points.csv\n",
     {R"(emulsiond.conf:1: input: "a.b" is not a stream name; allowed: 1 to 64 of A-Z a-z 0-9 _ -)"}},
    {"input = replay geyser\n",
     {R"(emulsiond.conf:1: input: the path of the replay is missing; allowed: replay STREAM PATH)"}},
    {"dynamic_streams = office-* a.b\n",
     {R"(emulsiond.conf:1: dynamic_streams: "a.b" is not a pattern; allowed: 1 to 64 of A-Z a-z 0-9 _ - * ?)"}},
    // Right by themselves, wrong together.
    {"[defaults]\nhalf_life_points = 5\nhalf_life_seconds = 5\n",
     {R"(emulsiond.conf:3: defaults.half_life_seconds: half_life_points is set too, on line 2; allowed: one of the two above 0)"}},
    {"[defaults]\nstep = half-life\nhalf_life_points = 0\n",
     {R"(emulsiond.conf:3: defaults.half_life_points: half_life_points and half_life_seconds are both 0 with step = half-life; allowed: one of the two above 0)"}},
    {"[defaults]\nseed_points = 3\n[stream.a]\ncomponents = 4\n",
     {R"(emulsiond.conf:4: stream.a.components: 3 seed_points cannot seed 4 components; allowed: 0 for automatic, or at least as many seed_points as components)"}},
    {"control = tcp://127.0.0.1:7702\n",
     {R"(emulsiond.conf:1: control: "127.0.0.1:7702" is bound twice; output has it too; allowed: an address of its own)"}},
    {"http = 127.0.0.1:5\ninput = pull bind tcp://127.0.0.1:5\n",
     {R"(emulsiond.conf:2: input: "127.0.0.1:5" is bound twice; http has it too; allowed: an address of its own)"}},
    {"dynamic_streams = office-*\ninput = replay geyser a.csv\n",
     {R"(emulsiond.conf:2: input: no stream "geyser"; allowed: a stream with a section [stream.NAME], or a name that dynamic_streams has)"}},
    {"max_streams = 1\n[stream.a]\n[stream.b]\n",
     {R"(emulsiond.conf:3: stream.b: 2 streams are configured, max_streams is 1; allowed: no more streams than that)"}},
    // Several faults at once, in the order of the lines.
    {"log_level = loud\nhttp = x\n[defaults]\ncomponents = 0\nsteps = 1\n[stream.a]\ncomponents = 0\n",
     {R"(emulsiond.conf:1: log_level: "loud" is not known; allowed: trace, debug, info, warning, error)",
      R"(emulsiond.conf:2: http: "x" has no port; allowed: HOST:PORT)",
      R"(emulsiond.conf:4: defaults.components: 0 is out of range; allowed: [1, 4096])",
      R"(emulsiond.conf:5: defaults.steps: unknown key; did you mean "step"?)",
      R"(emulsiond.conf:7: stream.a.components: 0 is out of range; allowed: [1, 4096])"}},
};

struct WrongCommandLine {
  std::vector<std::string> arguments;
  std::string fault;
};

inline const std::vector<WrongCommandLine> kWrongCommandLines = {
    {{"--output"}, R"(command line: --output: the value is missing)"},
    {{"--output", "--log_level", "info"}, R"(command line: --output: the value is missing)"},
    {{"--log_level", "info", "--log_level=info"}, R"(command line: --log_level: set twice)"},
    {{"--outptu", "x"}, R"(command line: --outptu: unknown option; did you mean "--output"?)"},
    {{"--colour=green"}, R"(command line: --colour: unknown option)"},
    {{"--check_config"}, R"(command line: --check_config: unknown option; did you mean "--check-config"?)"},
    {{"--components", "4"}, R"(command line: --components: unknown option; did you mean "--defaults.components"?)"},
    {{"--defaults.http", "x"}, R"(command line: --defaults.http: unknown option; did you mean "--http"?)"},
    {{"--stream.a.treads", "2"},
     R"(command line: --stream.a.treads: unknown option; did you mean "--stream.a.threads"?)"},
    {{"--stream.a", "2"}, R"(command line: --stream.a: unknown option; allowed: --stream.NAME.KEY)"},
    {{"--stream.a b.threads", "2"},
     R"(command line: --stream.a b: "a b" is not a stream name; allowed: 1 to 64 of A-Z a-z 0-9 _ -)"},
    {{"--defaults.threads", "-1"},
     R"(command line: --defaults.threads: -1 is out of range; allowed: [1, 256] threads)"},
    {{"--check-config=1"}, R"(command line: --check-config: takes no value)"},
    {{"my.conf"}, R"(command line: my.conf: unexpected argument; did you mean "--config my.conf"?)"},
    {{"-x"}, R"(command line: -x: unknown option)"},
    {{"--config", ""}, R"(command line: --config: the path is empty; allowed: the path of a file)"},
    {{"--defaults.half_life_points=5", "--defaults.half_life_seconds=5"},
     R"(command line: --defaults.half_life_seconds: half_life_points is set too; allowed: one of the two above 0)"},
    {{"--state_directory", "a\nb"}, R"(command line: --state_directory: "a\x0Ab" holds a control character)"},
};

struct WrongVariable {
  std::string name;
  std::string value;
  std::string fault;
};

inline const std::vector<WrongVariable> kWrongVariables = {
    {"EMULSION_OUTPTU", "x", R"(environment: EMULSION_OUTPTU: unknown variable; did you mean "EMULSION_OUTPUT"?)"},
    {"EMULSION_COMPONENTS", "4",
     R"(environment: EMULSION_COMPONENTS: unknown variable; did you mean "EMULSION_DEFAULTS_COMPONENTS"?)"},
    {"EMULSION_STREAM_A_COMPONENTS", "4",
     R"(environment: EMULSION_STREAM_A_COMPONENTS: unknown variable; a stream is configured in the file or on the command line)"},
    {"EMULSION_XYZZY", "4", R"(environment: EMULSION_XYZZY: unknown variable)"},
    {"EMULSION_CONFIG", "", R"(environment: EMULSION_CONFIG: the path is empty; allowed: the path of a file)"},
    {"EMULSION_DEFAULTS_COMPONENTS", "0",
     R"(environment: EMULSION_DEFAULTS_COMPONENTS: 0 is out of range; allowed: [1, 4096])"},
    {"EMULSION_INPUT", "pull bind tcp://*:1; pull bind",
     R"(environment: EMULSION_INPUT: "" is not an endpoint; allowed: tcp://HOST:PORT, ipc://PATH, inproc://NAME)"},
    {"EMULSION_LOG_LEVEL", "",
     R"(environment: EMULSION_LOG_LEVEL: "" is not known; allowed: trace, debug, info, warning, error)"},
};

}  // namespace emulsion::service
