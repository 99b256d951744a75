// What stands first: the numbers of all selected processes together.
local p = import 'panel.libsonnet';
local q = import 'queries.libsonnet';
local limit = import 'thresholds.libsonnet';

[
  { height: 4, cells: [
    [4, p.stat(
      'Live data',
      'What the program has allocated and not freed (allocated), the contents of thread caches included. **Grows without end: a leak.** Flat while RSS grows: look at the other numbers.',
      'bytes',
      p.color.live,
      [p.range('sum(%s)' % q.allocated, 'allocated')]
    )],
    [4, p.stat(
      'Held by jemalloc',
      'The most that can be physically resident for jemalloc (resident): live data, holes between them, dirty pages and metadata. The difference to live data is the price of the allocator.',
      'bytes',
      p.color.resident,
      [p.range('sum(%s)' % q.resident, 'resident')]
    )],
    [4, p.stat(
      'RSS',
      'What the kernel counts as resident for the same processes: what the out-of-memory killer looks at. Far above what jemalloc holds: the heap is not the answer. Below it: pages that were never touched.',
      'bytes',
      p.color.rss,
      [p.range('sum(%s)' % q.rss, 'RSS')]
    ) + p.absent('RSS is not exported')],
    [4, p.stat(
      'Arenas, at most',
      'The largest limit on arenas of any process (arenas). The default is four for each CPU and one more. Much more than that in a container: jemalloc sees the CPUs of the whole machine, and `narenas` should be set.',
      'none',
      p.color.arenas,
      [p.range('max(%s)' % q.arenas, 'largest limit')]
    ) + p.defaults({
      color: { mode: 'thresholds' },
      thresholds: p.steps([[limit['arenas:count'] + 1, 'orange']]),
    })],
    [8, p.stat(
          'Processes by state',
          'used: allocates through jemalloc and is shown here. unused: jemalloc is loaded, and nobody allocates with it. **unreachable: does not answer, look at the process.** embedded: tells its heap by itself, without the exporter.',
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
      'active - allocated: holes in pages that hold live data. jemalloc cannot give them back while one object in the page lives. **High and growing with flat live data: objects of different lifetimes share pages.**',
      'bytes',
      p.color.fragmentation,
      [p.range('sum(%s)' % q.fragmentation, 'active − allocated')]
    )],
    [4, p.stat(
      'Held beyond live data',
      'resident - allocated: everything that the allocator costs, which is fragmentation, dirty pages and metadata together. **Much more than fragmentation: jemalloc keeps freed pages, and decay settings help.**',
      'bytes',
      p.color.retention,
      [p.range('sum(%s)' % q.held, 'resident − allocated')]
    )],
    [4, p.stat(
      'Outside jemalloc',
      'RSS - resident: code, stacks, mapped files, other allocators, huge pages that the kernel filled in. **Large: no setting of jemalloc changes it.**',
      'bytes',
      p.color.foreign,
      [p.range('sum(%s)' % q.foreign, 'RSS − resident')]
    ) + p.absent('RSS is not exported')],
    [12, p.bargauge(
      'What the memory is spent on',
      'The shares of everything that is held now. The longest bar answers why the process is large: the program itself, holes between its objects, pages that jemalloc keeps, or something that is not the heap.',
      'percentunit',
      p.color.live,
      [
        p.instant('sum(%s) / %s' % [q.allocated, q.footprint], 'Live data'),
        p.instant('sum(%s) / %s' % [q.fragmentation, q.footprint], 'Fragmentation'),
        p.instant('sum(%s) / %s' % [q.retention, q.footprint], 'Kept by jemalloc'),
        p.instant('sum(%s) / %s' % [q.foreign, q.footprint], 'Outside jemalloc'),
      ]
    ) + p.defaults({ max: 1 }) + p.colored({
      'Live data': p.color.live,
      Fragmentation: p.color.fragmentation,
      'Kept by jemalloc': p.color.retention,
      'Outside jemalloc': p.color.foreign,
    })],
  ] },
  { height: 9, cells: [
    [12, p.timeseries(
           'Where the memory goes',
           'The same four parts over time; together they are what the processes hold. **The layer that grows is the cause.** The line is RSS: where it runs below the layers, pages that jemalloc counts were never touched.',
           'bytes',
           [
             p.range('sum(%s)' % q.allocated, 'Live data'),
             p.range('sum(%s)' % q.fragmentation, 'Fragmentation'),
             p.range('sum(%s)' % q.retention, 'Kept by jemalloc'),
             p.range('sum(%s)' % q.foreign, 'Outside jemalloc'),
             p.range('sum(%s)' % q.rss, 'RSS'),
           ]
         ) + p.defaults({ min: 0 })
         + p.custom({ stacking: { mode: 'normal', group: 'A' }, fillOpacity: 45, lineWidth: 1 })
         + p.colored({
           'Live data': p.color.live,
           Fragmentation: p.color.fragmentation,
           'Kept by jemalloc': p.color.retention,
           'Outside jemalloc': p.color.foreign,
           RSS: p.color.rss,
         })
         + p.styled('RSS', {
           'custom.stacking': { mode: 'none', group: 'B' },
           'custom.fillOpacity': 0,
           'custom.lineWidth': 2,
           'custom.lineStyle': { fill: 'dash', dash: [8, 6] },
         })],
    [12, p.timeseries(
           'The five gauges',
           'What jemalloc says, summed over the selected processes; arenas on the right-hand axis. The lines run in parallel in a healthy heap. **allocated rises alone: the program keeps more. active leaves allocated behind: fragmentation. resident stays up when active falls: pages are kept.** mapped is address space, not memory.',
           'bytes',
           [
             p.range('sum(%s)' % q.allocated, 'allocated'),
             p.range('sum(%s)' % q.active, 'active'),
             p.range('sum(%s)' % q.resident, 'resident'),
             p.range('sum(%s)' % q.mapped, 'mapped'),
             p.range('sum(%s)' % q.arenas, 'arenas'),
           ]
         ) + p.defaults({ min: 0 })
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
           'custom.lineWidth': 1,
           'custom.lineStyle': { fill: 'dot', dash: [2, 6] },
         })],
  ] },
]
