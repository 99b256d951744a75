// What jemalloc does in the processes: its allocations, locks, caches and purges. Sets
// that are off by default name their flag where they are absent.
local p = import 'panel.libsonnet';
local q = import 'queries.libsonnet';
local limit = import 'thresholds.libsonnet';

local bins(name) = 'sum by (job, instance, comm, pid, size) (jemalloc_bin_%s_bytes{%s})' % [name, q.process];
local worst(expr) = '%s and on (job, instance, comm, pid, size) topk(10, %s - %s)' % [expr, bins('slab'), bins('allocated')];
local sizes(quantile) =
  'histogram_quantile(%g, sum by (le) (rate(jemalloc_allocation_size_bytes_bucket{%s}[$__rate_interval])))'
  % [quantile, q.process];
// With the widths of their columns.
local options = [
  ['version', 65],
  ['dirty_decay_ms', 122],
  ['muzzy_decay_ms', 127],
  ['narenas', 72],
  ['tcache', 62],
  ['tcache_max', 92],
  ['retain', 58],
  ['thp', 65],
  ['metadata_thp', 108],
  ['percpu_arena', 105],
  ['oversize_threshold', 142],
  ['cache_oblivious', 122],
  ['prof', 50],
  ['hpa', 50],
];
local rightHand = { 'custom.axisPlacement': 'right', 'custom.axisLabel': 'large, and realloc(p, 0)' };
[
  { height: 9, cells: [
    [8, p.timeseries(
          'Allocations in a second',
          'Allocations that the programs made in a second, in small size classes, and on the right-hand axis in large ones (from 16 KiB). A thread reports its own when its cache is filled or emptied, so an idle one lags. Calls of realloc with size 0 have another meaning on other systems. **Rises with flat live data: more churn, which costs CPU.**',
          'ops',
          [
            p.range(q.rate('jemalloc_allocations_total{%s, class="small"}' % q.process), 'small'),
            p.range(q.rate('jemalloc_allocations_total{%s, class="large"}' % q.process), 'large'),
            p.range(q.rate('jemalloc_zero_reallocs_total{%s}' % q.process), 'realloc(p, 0)'),
          ]
        ) + p.collector('activity') + p.defaults({ min: 0 })
        + p.colored({ small: p.color.live, large: p.color.large, 'realloc(p, 0)': p.color.rss })
        + p.styled('large', rightHand)
        + p.styled('realloc(p, 0)', rightHand)],
    [8, p.timeseries(
          'Sizes of allocations',
          'The size below which half, nine tenths and 99 % of the allocations are, of the processes whose sizes are exported. **Just above 16 KiB: each of them has a page of padding.**',
          'bytes',
          [p.range(sizes(0.5), 'half'), p.range(sizes(0.9), '90 %'), p.range(sizes(0.99), '99 %')]
        ) + p.collector('sizes')
        + p.custom({ scaleDistribution: { type: 'log', log: 2 }, axisLabel: 'logarithmic' })
        + p.colored({ half: p.color.live, '90 %': p.color.active, '99 %': p.color.fragmentation })],
    [8, p.table(
      'Wasteful size classes',
      'The size classes with the most unused bytes in their slabs, of the processes whose bins are exported. **A class with few of its slots in use keeps the pages of a peak:** objects of this size were freed, and some of them were not.',
      'bytes',
      [p.row(worst('(%s - %s)' % [bins('slab'), bins('allocated')])), p.row(worst('%s / %s' % [bins('allocated'), bins('slab')]))],
      [
        ['comm', 'Process', p.label],
        ['pid', 'PID', p.label + p.wide(70)],
        ['size', 'Size', p.label + p.wide(70)],
        ['Value #A', 'Holes', p.wide(90)],
        ['Value #B', 'In use', { unit: 'percentunit', min: 0, max: 1, 'custom.width': 90 }],
      ],
      'Holes'
    ) + p.collector('bins')],
  ] },
  { height: 9, cells: [
    [8, p.processes(
          'Threads that wait for locks',
          "The number of threads that sleep on average because of locks of jemalloc, in the processes with the most. Short waits count as 0, in steps of the kernel's tick. **Above the line: more arenas, or thread caches that are switched off.**",
          'none',
          q.most('jemalloc_lock_wait_seconds_total{%s}' % q.process)
        ) + p.collector('activity') + p.defaults({ min: 0, decimals: 2 })
        + p.limited(limit['lock_wait:threads'])
        + p.custom({ axisLabel: 'threads', axisSoftMax: limit['lock_wait:threads'] * 1.5 })],
    [8, p.timeseries(
      'Contended locks',
      'The locks of jemalloc for which threads wait the longest, of the processes whose locks are exported. **bins: too few arenas for the threads. extents_dirty: freed pages are reused and purged all the time. ctl: the statistics are read too often.**',
      'none',
      [p.range('topk(10, sum by (comm, mutex) (rate(jemalloc_mutex_wait_seconds_total{%s}[$__rate_interval])))' % q.process, '{{mutex}} {{comm}}')]
    ) + p.collector('locks') + p.defaults({ min: 0, decimals: 2 }) + p.custom({ axisLabel: 'threads' })],
    [8, p.processes(
      'Thread caches of each process',
      'Freed objects in the caches of threads; a part of live data. **Large: many threads, or a large tcache_max.** Below the line there is no alert.',
      'bytes',
      q.largest.thread_caches
    ) + p.absent('the agent is too old') + p.defaults({ min: 0 }) + p.limited(limit['waste:bytes'])],
  ] },
  { height: 9, cells: [
    [8, p.timeseries(
      'Purged in a second',
      'Bytes of dirty pages that jemalloc returned to the kernel in a second, or made muzzy. **As high as the rate of large allocations: pages are bought back by page faults,** and a longer decay saves CPU. Zero while dirty pages are held: decay does not run.',
      'binBps',
      [p.range(q.rate('jemalloc_purged_bytes_total{%s, state="dirty"}' % q.process), 'dirty')]
    ) + p.collector('activity') + p.defaults({ min: 0 }) + p.colored({ dirty: p.color.retention })],
    [8, p.processes(
      'Dirty pages of each process',
      'Freed pages that jemalloc holds for the next allocation. **Constant in an idle process: decay does not run**, which background threads cure. Below the line there is no alert.',
      'bytes',
      q.largest.dirty
    ) + p.absent('the agent is too old') + p.defaults({ min: 0 }) + p.limited(limit['waste:bytes'])],
    [8, p.processes(
          'Arenas in use',
          'Arenas that each process has ever used. **Above the line, with little live data: fewer arenas save memory.** The limit is in the table above.',
          'none',
          q.largest.arenas
        ) + p.collector('activity') + p.defaults({ min: 0, decimals: 0 })
        + p.limited(limit['arenas:count'])
        + p.custom({ axisLabel: 'arenas', axisSoftMax: limit['arenas:count'] * 1.2 })],
  ] },
  { height: 7, cells: [
    [24, p.table(
      'Options of jemalloc',
      'The options that the programs run with, and the number of processes with the same ones. A dash: this jemalloc does not have the option. **dirty_decay_ms -1: freed pages are never returned. narenas far above the CPUs of a container: memory is spread thin.**',
      'none',
      [p.row('topk(100, count by (job, instance, comm, %s) (label_replace(jemalloc_options_info{%s}, "version", "$1", "version", "([^-]+)-.*")))' % [std.join(', ', [option[0] for option in options]), q.process])],
      [['comm', 'Process', p.label + p.wide(125)], ['instance', 'Instance', p.label + p.wide(125)], ['Value', 'Processes', p.wide(88)]]
      + [[option[0], option[0], p.label + p.wide(option[1])] for option in options],
      'Process'
    ) + p.collector('options')],
  ] },
]
