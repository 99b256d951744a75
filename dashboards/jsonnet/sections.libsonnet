// A row of panels for each question of an operator.
local p = import 'panel.libsonnet';
local q = import 'queries.libsonnet';
local limit = import 'thresholds.libsonnet';

local leakOrRetention = [
  { height: 10, cells: [
    [8, p.processes(
      'Live data of each process',
      'Bytes that each process has allocated and not freed. **A line that never returns to its earlier minimum is a leak**, or a cache without a limit. A saw-tooth around one level is normal work.',
      'bytes',
      q.largest.allocated
    ) + p.defaults({ min: 0 })],
    [8, p.processes(
      'Held beyond live data by each process',
      'resident - allocated of each process. **Rises while live data falls: retention or fragmentation, not a leak.** Rises and falls with live data: normal overhead. Below the line there is no alert.',
      'bytes',
      q.largest.held
    ) + p.defaults({ min: 0 }) + p.limited(limit['waste:bytes'])],
    [8, p.processes(
      'Outside jemalloc in each process',
      'RSS - resident of each process, and less its muzzy pages since jemalloc 5.3. **Grows: the leak is outside the heap**, in mapped files, threads (each has a stack), another allocator, or the huge pages of the kernel. Below the line there is no alert.',
      'bytes',
      q.largest.foreign
    ) + p.defaults({ min: 0 }) + p.limited(limit['waste:bytes']) + p.absent('RSS is not exported')],
  ] },
  { height: 10, cells: [
    [8, p.processes(
      'Growth of live data in an hour',
      'The slope of a line through the last hour of live data. Around zero: no leak. **Always above zero: the time until memory runs out is the free memory divided by this.**',
      'bytes',
      q.largest.growth
    ) + p.custom({ axisCenteredZero: true, axisLabel: 'in an hour' })],
    [8, p.processes(
          'Share of fragmentation',
          'The share of holes in the pages that hold live data: (active - allocated - padding) / active. Up to 15 % is normal; the line is the threshold of the alert, which also requires a minimum size: small processes are always above it. **Above it: check for a peak that was freed before.**',
          'percentunit',
          q.largest.fragmentation_ratio
        ) + p.defaults({ min: 0 })
        + p.limited(limit['fragmentation:ratio'])
        + p.custom({ axisSoftMax: limit['fragmentation:ratio'] * 1.5 })],
    [8, p.processes(
          'Share kept by jemalloc',
          'The share of dirty pages and metadata in resident memory: (resident - active) / resident. High for seconds after a large free is normal decay; the line is the threshold of the alert, which also requires a minimum size: small processes are always above it. **Above it for an hour: decay does not run, or is set too long.**',
          'percentunit',
          q.largest.retention_ratio
        ) + p.defaults({ min: 0 })
        + p.limited(limit['retention:ratio'])
        + p.custom({ axisSoftMax: limit['retention:ratio'] * 1.5 })],
  ] },
];

// A negative value would be drawn as a bar as long as the longest.
local grown(expr) = 'sort_desc(topk(10, clamp_min(%s, 0)))' % expr;
local growth = [
  { height: 8, cells: [
    [12, p.bargauge(
      'Growth of live data in the range',
      'Growth of the live data of each process in the time range; the ten largest. **Profile the first one.** Narrow the range to the time when RSS rose.',
      'bytes',
      p.color.live,
      [p.instant(grown('delta(%s[$__range])' % q.allocated), '{{comm}} {{pid}} {{instance}}')]
    )],
    [12, p.bargauge(
      'Growth of RSS in the range',
      'Growth of the RSS of each process in the time range. **A process that is high here and not on the left grew outside its live data:** fragmentation, retained pages, or memory outside the heap.',
      'bytes',
      p.color.rss,
      [p.instant(grown(q.ofHeaps('resident_memory_bytes', 'delta(%s[$__range])')), '{{comm}} {{pid}} {{instance}}')]
    ) + p.absent('RSS is not exported')],
  ] },
];

local sinceWhen = [
  { height: 10, cells: [
    [12, p.processes(
      'Live data against its peak',
      'Live data as a share of its maximum in the range, so that small and large processes compare. **The growth began where the line bends:** look for a release, a restart (the vertical lines) or a change of traffic there.',
      'percentunit',
      q.largest.peak_ratio
    ) + p.defaults({ min: 0, max: 1 })],
    [12, p.table(
      'Latest starts',
      'Start times of the processes, the latest first, including those that ended in the range. **Growth that ends after the start: warm-up. Several starts of one program: check for kills because of memory.**',
      'dateTimeAsIso',
      [p.row(q.latestStarts(20))],
      [
        ['comm', 'Process', p.label],
        ['pid', 'PID', p.label + p.wide(80)],
        ['instance', 'Instance', p.label],
        ['Value', 'Started', p.wide(180)],
      ],
      'Started'
    ) + p.absent('start time is not exported')],
  ] },
];

// The 200 largest processes: a browser cannot show thousands of rows. The agent's
// processes are compared by RSS, which an unreachable one has too. Embedded heaps are
// few. The units and containers are those of the result: to match all processes with
// them in each column costs more than all else.
local by(expr, labels=q.identity) = p.row(
  'max by (%s) (%s and on (%s) (topk(200, jemalloc_process_resident_memory_bytes{%s}) or jemalloc_resident_bytes{%s, comm=""}) and on (%s) %s)'
  % [labels, expr, q.identity, q.process, q.process, q.identity, q.inUnits(q.process)]
);
// The sum of a value over the processes of each of the 100 largest units.
local unit = 'job, instance, unit, container_id, pod_uid';
local info = 'jemalloc_process_info{%s, unit=~"$unit", container_id=~"$container"}' % q.process;
local ofUnits(value) =
  'sum by (%s) (%s * on (%s) group_left (unit, container_id, pod_uid) %s)'
  % [unit, value, q.identity, info];
local largestUnits = 'topk(100, %s)' % ofUnits('jemalloc_process_resident_memory_bytes{%s}' % q.process);
local ofLargestUnits(expr) = p.row('%s and on (%s) %s' % [expr, unit, largestUnits]);
// A share of a heap that is too small for an alert has no meaning, and no colour.
local unused(part, whole) = '(1 - %s / (%s > %d))' % [part, whole, limit['waste:bytes']];
local holes =
  '(1 - (%s + (jemalloc_large_padding_bytes{%s} or 0 * %s)) / (%s > %d))'
  % [q.allocated, q.process, q.allocated, q.active, limit['waste:bytes']];
local share(red) = {
  unit: 'percentunit',
  min: 0,
  max: 1,
  color: { mode: 'thresholds' },
  thresholds: p.steps([[red / 2, 'yellow'], [red, 'red']]),
  'custom.cellOptions': { type: 'gauge', mode: 'basic', valueDisplayMode: 'text' },
  'custom.width': 118,
};
local sideBySide = [
  { height: 13, cells: [
    [24, p.table(
      'Processes side by side',
      'The 200 largest processes, or those of them in the selected units and containers, with their latest numbers; click a column to sort. **Compare processes of the same program, and look at the one that differs.** Shares are for heaps above the minimum size of the alerts: in small ones they are always high, and have no meaning. Purgers are the background threads of jemalloc. An unreachable process has no numbers from jemalloc.',
      'bytes',
      [
        by('(jemalloc_up{%s} or jemalloc_arenas{%s, comm=""} > bool 0)' % [q.process, q.process]),
        by(q.allocated),
        by(q.active),
        by(q.resident),
        by(q.fromKernel('resident_memory_bytes')),
        by(holes),
        by(unused(q.active, q.resident)),
        by(q.arenas),
        by('time() - %s' % q.fromKernel('start_time_seconds')),
        by('jemalloc_dirty_bytes{%s}' % q.process),
        by('jemalloc_background_threads{%s}' % q.process),
        by('label_join(%s, "cgroup", "", "unit", "container_id")' % info, q.identity + ', cgroup'),
      ],
      [
        ['comm', 'Process', p.label],
        ['pid', 'PID', p.label + p.wide(72)],
        ['cgroup', 'Unit or container', p.label],
        ['instance', 'Instance', p.label],
        ['Value #A', 'State', {
          unit: 'none',
          'custom.width': 100,
          'custom.align': 'left',
          'custom.cellOptions': { type: 'color-text' },
          color: { mode: 'thresholds' },
          thresholds: { mode: 'absolute', steps: [{ color: 'red', value: null }, { color: 'green', value: 1 }] },
          mappings: [{ type: 'value', options: { '0': { text: 'unreachable', index: 0 }, '1': { text: 'answers', index: 1 } } }],
        }],
        ['Value #B', 'Allocated', p.wide(88)],
        ['Value #C', 'Active', p.wide(88)],
        ['Value #D', 'Resident', p.wide(88)],
        ['Value #J', 'Dirty', p.wide(88)],
        ['Value #E', 'RSS', p.wide(88)],
        ['Value #F', 'Fragmentation', share(limit['fragmentation:ratio'])],
        ['Value #G', 'Kept', share(limit['retention:ratio'])],
        ['Value #H', 'Arenas', { unit: 'none' } + p.wide(70)],
        ['Value #K', 'Purgers', { unit: 'none' } + p.wide(80)],
        ['Value #I', 'Age', { unit: 's' } + p.wide(88)],
      ],
      'RSS'
    )],
  ] },
];

local units = [
  { height: 8, cells: [
    [24, p.table(
      'Units and containers',
      'The 100 largest systemd units, containers and Kubernetes pods, with the sums of their processes. A dash: the process is in none. **The container ID and the pod UID are those of kube-state-metrics.** Select a unit or a container above to see its processes in the rows of single processes.',
      'bytes',
      [
        ofLargestUnits('count by (%s) (%s)' % [unit, info]),
        ofLargestUnits(ofUnits(q.allocated)),
        p.row(largestUnits),
      ],
      [
        ['unit', 'Unit', p.label],
        ['container_id', 'Container', p.label],
        ['pod_uid', 'Pod', p.label],
        ['instance', 'Instance', p.label],
        ['Value #A', 'Processes', { unit: 'none' } + p.wide(95)],
        ['Value #B', 'Allocated', p.wide(105)],
        ['Value #C', 'RSS', p.wide(105)],
      ],
      'RSS'
    ) + p.absent('for jemalloc_exporter only')],
  ] },
];

local exporterItself = [
  { height: 7, cells: [
    [10, p.table(
      'Targets',
      'The targets of Prometheus, with the versions of the exporter and of jemalloc. A program that embeds the collectable has no version. **down: see the runbook of JemallocExporterDown.**',
      'none',
      [
        p.row('max by (job, instance) (%s)' % q.ofTargets('up{%s}' % q.target)),
        p.row('max by (job, instance, version, revision, jemalloc_version) (jemalloc_exporter_build_info{%s})' % q.target),
      ],
      [
        ['job', 'Job', p.label],
        ['instance', 'Instance', p.label],
        ['Value #A', 'State', {
          'custom.width': 80,
          'custom.align': 'left',
          'custom.cellOptions': { type: 'color-text' },
          color: { mode: 'thresholds' },
          thresholds: { mode: 'absolute', steps: [{ color: 'red', value: null }, { color: 'green', value: 1 }] },
          mappings: [{ type: 'value', options: { '0': { text: 'down', index: 0 }, '1': { text: 'up', index: 1 } } }],
        }],
        ['version', 'Version', p.label],
        ['revision', 'Revision', p.label],
        ['jemalloc_version', 'jemalloc', p.label],
      ],
      'Instance'
    )],
    [7, p.timeseries(
      'Duration of a scrape',
      'Duration of a scrape as Prometheus measures it. Refreshing the statistics takes the locks of every arena. **Near the scrape timeout (10 s by default) samples are lost; more than a second: fewer arenas, or a longer scrape interval.**',
      's',
      [p.range(q.ofTargets('scrape_duration_seconds{%s}' % q.target), '{{instance}}')]
    ) + p.defaults({ min: 0 }) + p.limited(1)],
    [7, p.processes(
      'Refresh of the statistics',
      'Time in which jemalloc gathers the statistics of a process for a scrape; it takes the locks of all arenas. **Above the line: fewer scrapes, or fewer arenas.**',
      's',
      q.largest.refresh
    ) + p.collector('activity') + p.defaults({ min: 0 }) + p.limited(limit['refresh:seconds'])],
  ] },
  { height: 7, cells: [
    [6, p.timeseries(
          'Processes found',
          'Number of processes that the exporters find, and of embedded heaps. **unreachable above zero: a process is stopped or blocked. All fall to zero: the programs run without the agent.**',
          'none',
          [p.range(state[1], state[0]) for state in q.states]
        ) + p.defaults({ min: 0, decimals: 0 })
        + p.custom({ axisLabel: 'processes', stacking: { mode: 'normal', group: 'A' }, fillOpacity: 45, lineWidth: 1, lineInterpolation: 'stepAfter' })
        + p.colored(p.stateColors)],
    [6, p.timeseries(
      'Requests by status',
      'HTTP requests to the exporter in a second. 200 are the scrapes. **5xx: the exporter failed, see its log. 4xx: a client requests a path that does not exist, or without credentials.**',
      'reqps',
      [p.range('sum by (code) (rate(jemalloc_exporter_http_requests_total{%s}[$__rate_interval]))' % q.target, '{{code}}')]
    ) + p.defaults({ min: 0 }) + p.colored({ '200': p.color.live, '500': p.color.rss, '503': p.color.fragmentation }) + p.absent('for jemalloc_exporter only')],
    [6, p.timeseries(
      'CPU of the exporter',
      'The share of one CPU that each exporter uses. **Above the line, at 5 %: scraped too often, or by too many clients.**',
      'percentunit',
      [p.range('rate(process_cpu_seconds_total{%s}[$__rate_interval]) and on (job, instance) jemalloc_exporter_build_info{%s}' % [q.target, q.target], '{{instance}}')]
    ) + p.defaults({ min: 0 }) + p.limited(0.05) + p.absent('for jemalloc_exporter only')],
    [6, p.timeseries(
      'RSS of the exporter',
      'The memory of each exporter. **Grows without end: a fault of the exporter, please report it.**',
      'bytes',
      [p.range(q.ofExporters('process_resident_memory_bytes{%s}' % q.target), '{{instance}}')]
    ) + p.defaults({ min: 0 }) + p.absent('for jemalloc_exporter only')],
  ] },
];

// The last one is folded: it is for faults of the exporter.
[
  ['Leak or retention?', leakOrRetention, false],
  ['Which process grew?', growth, false],
  ['Since when?', sinceWhen, false],
  ['Which process differs?', sideBySide + units, false],
  ['What does jemalloc do?', import 'inside.libsonnet', false],
  ['The exporter itself', exporterItself, true],
]
