// The first row: sums over all selected processes, from the recorded aggregates.
// Without the rules it is empty, and its panels name the reason.
local p = import 'panel.libsonnet';
local q = import 'queries.libsonnet';
local limit = import 'thresholds.libsonnet';

local recorded = p.absent('jemalloc.rules.yml is not loaded');

[
  { height: 4, cells: [
    [4, p.stat(
      'Live data',
      'Bytes that the program has allocated and not freed (allocated), the contents of thread caches included. **Grows without end: a leak.** Flat while RSS grows: see the other numbers.',
      'bytes',
      p.color.live,
      [p.range(q.total.allocated, 'allocated')]
    ) + recorded],
    [4, p.stat(
      'Held by jemalloc',
      'The most that can be physically resident for jemalloc (resident): live data, holes between them, dirty pages and metadata. The difference to live data is the overhead of the allocator.',
      'bytes',
      p.color.resident,
      [p.range(q.total.resident, 'resident')]
    ) + recorded],
    [4, p.stat(
      'RSS',
      'Resident memory of the same processes as the kernel counts it; the out-of-memory killer uses this number. Far above resident: the heap is not the cause. Below it: pages that were never touched.',
      'bytes',
      p.color.rss,
      [p.range(q.total.rss, 'RSS')]
    ) + p.absent('RSS is not exported, or jemalloc.rules.yml is not loaded')],
    [4, p.stat(
      'Arenas, at most',
      'The largest limit on arenas of any process (arenas). The default is four for each CPU and one more. Much more than that in a container: jemalloc counts the CPUs of the whole machine, and `narenas` should be set.',
      'none',
      p.color.arenas,
      [p.instant(q.total.arenas, 'largest limit')]
    ) + recorded + p.defaults({
      color: { mode: 'thresholds' },
      thresholds: p.steps([[limit['arenas:count'] + 1, 'orange']]),
    }) + p.options({ graphMode: 'none' })],
    [8, p.stat(
          'Processes by state',
          'used: allocates from jemalloc and is shown here. unused: jemalloc is loaded but not used. **unreachable: does not respond, see the runbook.** embedded: exports its heap itself, without the exporter.',
          'none',
          'text',
          [p.range(state[1], state[0]) for state in q.states]
        ) + p.options({ graphMode: 'none', orientation: 'vertical', justifyMode: 'center', text+: { valueSize: 44 } })
        + p.colored(p.stateColors)
        + p.styled('unreachable', {
          color: { mode: 'thresholds' },
          thresholds: p.steps([[1, 'red']]),
        })],
  ] },
  { height: 4, cells: [
    [4, p.stat(
      'Fragmentation',
      'Slab holes: active - allocated - padding. jemalloc cannot return a page while one object in it is live. **High and growing with flat live data: objects of different lifetimes share pages.** From an agent that does not export the padding, this includes it.',
      'bytes',
      p.color.fragmentation,
      [p.range(q.total.layer('holes|fragmentation'), 'slab holes')]
    ) + recorded],
    [4, p.stat(
      'Padding of large allocations',
      'One page for each allocation from 16 KiB on (cache_oblivious). **Large: many allocations just above 16 KiB.** It is no hole, and no other allocation can use it.',
      'bytes',
      p.color.padding,
      [p.range(q.total.layer('padding'), 'padding')]
    ) + p.absent('the agent is too old, or jemalloc.rules.yml is not loaded')],
    [4, p.stat(
      'Freed and not returned',
      'Dirty pages: freed by the program, and held by jemalloc for the next allocation. **Constant for minutes while the program is idle: decay does not run.**',
      'bytes',
      p.color.retention,
      [p.range(q.total.layer('dirty'), 'dirty')]
    ) + p.absent('the agent is too old, or jemalloc.rules.yml is not loaded')],
    [4, p.stat(
      'Held beyond live data',
      'resident - allocated: the overhead of the allocator, which is holes, padding, dirty pages and metadata together. **Much more than fragmentation: jemalloc retains freed pages, and decay settings help.**',
      'bytes',
      p.color.retention,
      [p.range(q.total.held, 'resident − allocated')]
    ) + recorded],
    [4, p.stat(
      'Outside jemalloc',
      'RSS - resident - muzzy pages: code, stacks, mapped files, other allocators, huge pages that the kernel filled in. In one program on one instance, a process whose RSS is below resident offsets others. **Large: no setting of jemalloc changes it.**',
      'bytes',
      p.color.foreign,
      [p.range(q.total.layer('outside'), 'RSS − resident')]
    ) + p.absent('RSS is not exported, or jemalloc.rules.yml is not loaded')],
    [4, p.stat(
      'Address space retained',
      'Address space kept for reuse after its pages went back to the kernel (retained). It occupies no memory. **Large: harmless, except below a limit on virtual memory (ulimit -v) or without overcommit.**',
      'bytes',
      p.color.mapped,
      [p.range(q.total.retained, 'retained')]
    ) + p.absent('the agent is too old')],
  ] },
  { height: 11, cells: [
    [8, p.timeseries(
          'Where the memory goes',
          'The memory of the processes by its use. **The layer that grows is the cause.** Live data: allocated and not freed, in small and large (from 16 KiB) size classes. Slab holes: between live objects. Dirty and muzzy pages: freed. Outside jemalloc: not the heap. The line is RSS: where it runs below the layers, pages that jemalloc counts were never touched.',
          'bytes',
          [p.range(q.total.layer(layer[0]), layer[1]) for layer in q.layers]
          + [p.range(q.total.rss, 'RSS')]
        ) + recorded + p.defaults({ min: 0 })
        + p.custom({ stacking: { mode: 'normal', group: 'A' }, fillOpacity: 45, lineWidth: 1 })
        + p.colored({ [layer[1]]: p.color[layer[2]] for layer in q.layers } + { RSS: p.color.rss })
        + p.styled('RSS', {
          'custom.stacking': { mode: 'none', group: 'B' },
          'custom.fillOpacity': 0,
          'custom.lineWidth': 2,
          'custom.lineStyle': { fill: 'dash', dash: [8, 6] },
        })],
    [8, p.bargauge(
      'What the memory is spent on',
      'The current shares of the layers. **The longest bar is the main cause:** live data, holes between objects, padding, pages that jemalloc has not returned, or memory outside the heap.',
      'percentunit',
      p.color.live,
      [p.instant('%s / %s' % [q.total.layer(layer[0]), q.total.footprint], layer[1]) for layer in q.layers]
    ) + recorded + p.defaults({ max: 1 }) + p.colored({ [layer[1]]: p.color[layer[2]] for layer in q.layers })],
    [8, p.timeseries(
          'The five gauges',
          'The five gauges, summed over the selected processes. Of arenas, it is the largest limit of any process, on the right-hand axis. The lines run in parallel in a healthy heap. **allocated rises alone: more live data. active rises faster than allocated: fragmentation. resident does not fall with active: pages are retained.** mapped is address space, not memory.',
          'bytes',
          [
            p.range(q.total.allocated, 'allocated'),
            p.range(q.total.active, 'active'),
            p.range(q.total.resident, 'resident'),
            p.range(q.total.mapped, 'mapped'),
            p.range(q.total.arenas, 'arenas'),
          ]
        ) + recorded + p.defaults({ min: 0 })
        + p.colored({
          allocated: p.color.live,
          active: p.color.active,
          resident: p.color.resident,
          mapped: p.color.mapped,
          arenas: p.color.arenas,
        })
        + p.styled('mapped', { 'custom.lineStyle': { fill: 'dash', dash: [4, 6] } })
        + p.styled('arenas', {
          unit: 'none',
          decimals: 0,
          'custom.axisPlacement': 'right',
          'custom.axisLabel': 'arenas, at most',
          'custom.axisSoftMax': limit['arenas:count'],
          'custom.lineWidth': 1,
          'custom.lineStyle': { fill: 'dot', dash: [2, 6] },
        })],
  ] },
]
