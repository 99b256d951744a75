// The queries of the panels.
//
// An embedding program has neither comm nor pid: the variable comm lets absent
// ones through, and `on (job, instance, comm, pid)` takes two absent ones for
// equal.
//
// Vector matching dominates the cost of a query. So differences are those of the
// aggregates that the rules record, and a query for single processes selects few: those
// with the instances and pids of the largest ones, which hidden variables of the
// dashboard hold. A pid may be in use on several instances, so the largest are selected
// again among these, in each operand before the arithmetic.
local target = 'job=~"$job", instance=~"$instance"';
local process = target + ', comm=~"$comm"';
local identity = 'job, instance, comm, pid';
local listed = process + ', instance=~"$largest_instance", pid=~"$largest_pid|"';
local aggregate(name) = 'job_instance_comm:jemalloc_%s{%s}' % [name, process];
{
  local q = self,

  target:: target,
  process:: process,
  identity:: identity,

  allocated:: 'jemalloc_allocated_bytes{%s}' % process,
  active:: 'jemalloc_active_bytes{%s}' % process,
  resident:: 'jemalloc_resident_bytes{%s}' % process,
  mapped:: 'jemalloc_mapped_bytes{%s}' % process,
  arenas:: 'jemalloc_arenas{%s}' % process,

  // Sums over the selected processes, from the recorded ones by job, instance and
  // comm. A program that lacks one operand is left out of a difference.
  total:: {
    allocated:: 'sum(%s)' % aggregate('allocated_bytes:sum'),
    active:: 'sum(%s)' % aggregate('active_bytes:sum'),
    resident:: 'sum(%s)' % aggregate('resident_bytes:sum'),
    mapped:: 'sum(%s)' % q.mapped,
    retained:: 'sum(jemalloc_retained_bytes{%s})' % process,
    rss:: 'sum(%s)' % aggregate('rss_bytes:sum'),
    arenas:: 'max(%s)' % q.arenas,
    arenas_initialized:: 'max(jemalloc_arenas_initialized{%s})' % process,
    held:: 'sum(%s - %s)' % [aggregate('resident_bytes:sum'), aggregate('allocated_bytes:sum')],
    // Of one or more layers. Their sum is the memory of the processes.
    layer(names):: 'sum(job_instance_comm:jemalloc_memory_bytes:sum{%s, layer=~"%s"})' % [process, names],
    footprint:: self.layer('.+'),
  },

  // The layers of the memory from the bottom, as the rules record them.
  layers:: [
    ['small', 'Live, small', 'live'],
    ['large', 'Live, large', 'large'],
    ['live', 'Live data', 'live'],
    ['holes', 'Slab holes', 'fragmentation'],
    ['padding', 'Padding', 'padding'],
    ['fragmentation', 'Fragmentation', 'fragmentation'],
    ['active', 'Active pages', 'active'],
    ['dirty', 'Dirty pages', 'retention'],
    ['metadata', 'Metadata', 'metadata'],
    ['kept', 'Kept by jemalloc', 'retention'],
    ['muzzy', 'Muzzy pages', 'muzzy'],
    ['outside', 'Outside jemalloc', 'foreign'],
    ['unknown', 'Unknown', 'mapped'],
  ],

  // Values of a process from the kernel: through the exporter, or in a program
  // that embeds the collectable from its own process_* metrics. `wrap` is a function
  // over a range of each of them.
  fromKernel(name, wrap='%s')::
    '(%s or %s)' % [
      wrap % ('jemalloc_process_%s{%s}' % [name, process]),
      wrap % ('process_%s{%s}' % [name, target]),
    ],
  // Heaps in the selected units and containers. One without jemalloc_process_info has
  // no such label, which All selects.
  inUnits(matchers, wrap='%s')::
    wrap % (
      '{__name__=~"jemalloc_process_info|jemalloc_arenas", %s, unit=~"$unit", container_id=~"$container"}'
      % matchers
    ),
  // Without the process_* of everything else, the exporter included.
  ofHeaps(name, wrap)::
    '(%s or (%s and on (%s) %s))' % [
      wrap % ('jemalloc_process_%s{%s}' % [name, process]),
      wrap % ('process_%s{%s}' % [name, target]),
      identity,
      wrap % ('jemalloc_arenas{%s, comm=""}' % process),
    ],
  // The maximum of a heap in the range, including those that ended.
  local sizes(matchers, at) =
    'max_over_time(jemalloc_resident_bytes{%s}[$__range]%s) and on (%s) %s'
    % [matchers, at, identity, q.inUnits(matchers, 'last_over_time(%%s[$__range]%s)' % at)],
  // Of the variables, which are evaluated at the end of the range.
  largestHeaps:: 'topk(10, %s)' % sizes(process, ''),

  // The ten processes that were largest at any time of the range, including those
  // that ended: an exporter may find a thousand. Evaluated once, not for each step.
  largest:: {
    local select(expr) =
      '(%s and on (%s) topk(10, %s))' % [expr, identity, sizes(listed, ' @ end()')],
    local of(name) = select('jemalloc_%s{%s}' % [name, listed]),
    local allocated = of('allocated_bytes'),
    local active = of('active_bytes'),
    local resident = of('resident_bytes'),
    local rss = '(%s or %s)' % [
      of('process_resident_memory_bytes'),
      select('process_resident_memory_bytes{%s}' % target),
    ],

    allocated:: allocated,
    held:: '%s - %s' % [resident, allocated],
    // The sum of two series of each heap, either of which may be absent.
    local both(a, b) =
      select('{__name__=~"jemalloc_%s_bytes|jemalloc_%s_bytes", %s}' % [a, b, listed]),
    local sum(expr) = 'sum by (%s) (%s)' % [identity, expr],
    // Muzzy pages are outside of resident bytes since 5.3.0.
    local inside =
      'label_replace(jemalloc_options_info{%s, version=~"[1-4][.].*|5[.][0-2]([.].*)?"}, "__name__", "jemalloc_muzzy_bytes", "", "")'
      % listed,
    foreign::
      'clamp_min(%s - on (%s) %s, 0)'
      % [rss, identity, sum('%s unless on (%s, __name__) %s' % [both('resident', 'muzzy'), identity, inside])],
    dirty:: of('dirty_bytes'),
    thread_caches:: of('thread_cache_bytes'),
    arenas:: of('arenas_initialized'),
    refresh:: of('refresh_seconds'),
    // The subquery selects once a minute, and not for each step and hour.
    growth:: 'deriv(%s[1h:1m]) * 3600' % allocated,
    // Where the padding is not exported, it counts as holes.
    fragmentation_ratio::
      'clamp_min(1 - %s / on (%s) %s, 0)'
      % [sum(both('allocated', 'large_padding')), identity, sum(active)],
    retention_ratio:: '1 - %s / %s' % [active, resident],
    peak_ratio:: '%s / %s' % [allocated, select('max_over_time(jemalloc_allocated_bytes{%s}[$__range] @ end())' % listed)],
  },

  // The ten with the most in the range.
  most(series)::
    'rate(%s[$__rate_interval]) and on (%s) topk(10, increase(%s[$__range] @ end()))' % [series, identity, series],
  rate(series):: 'sum(rate(%s[$__rate_interval]))' % series,

  ofExporters(expr):: '%s and on (job, instance) jemalloc_exporter_build_info{%s}' % [expr, target],
  ofTargets(expr)::
    expr + ' and on (job, instance) (present_over_time(jemalloc_exporter_build_info{%s}[$__range] @ end()) or present_over_time(jemalloc_arenas{%s, comm=""}[$__range] @ end()))'
           % [target, target],

  // How many processes there are of each state.
  states:: [
    [state, 'sum(jemalloc_exporter_processes{%s, state="%s"})' % [target, state]]
    for state in ['used', 'unused', 'unreachable']
  ] + [['embedded', 'count(jemalloc_arenas{%s, comm=""})' % process]],

  // The latest starts of processes in the range, including those that ended.
  latestStarts(count)::
    'topk(%d, max by (%s) (1000 * %s))'
    % [count, identity, q.ofHeaps('start_time_seconds', 'last_over_time(%s[$__range] @ end())')],
}
