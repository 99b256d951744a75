// The queries of the panels.
//
// An embedding program has neither comm nor pid: the variable comm lets absent
// ones through, and `on (job, instance, comm, pid)` takes two absent ones for
// equal.
local target = 'job=~"$job", instance=~"$instance"';
local process = target + ', comm=~"$comm"';
local identity = 'job, instance, comm, pid';
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

  fragmentation:: '(%s - %s)' % [q.active, q.allocated],
  retention:: '(%s - %s)' % [q.resident, q.active],
  held:: '(%s - %s)' % [q.resident, q.allocated],

  // Values of a process from the kernel: through the exporter, or in a program
  // that embeds the collectable from its own process_* metrics. The `and` leaves
  // out process_* of everything else, the exporter included. `wrap` is a function over
  // a range of each of them.
  ofKernel(name, wrap='%s')::
    '((%s or %s) and on (%s) %s)' % [
      wrap % ('jemalloc_process_%s{%s}' % [name, process]),
      wrap % ('process_%s{%s}' % [name, target]),
      identity,
      wrap % q.arenas,
    ],
  rss:: q.ofKernel('resident_memory_bytes'),
  started:: q.ofKernel('start_time_seconds'),

  // RSS beyond what jemalloc holds, all heaps of a process together. Below zero
  // where pages that jemalloc counts were never touched: then nothing is beyond.
  foreign:: 'clamp_min(%s - on (%s) sum by (%s) (%s), 0)' % [q.rss, identity, identity, q.resident],
  footprint:: '(sum(%s) + (sum(%s) or vector(0)))' % [q.resident, q.foreign],

  // The ten processes that were largest at any time of the range, the dead ones
  // too: an exporter may see a thousand.
  largest(expr)::
    '%s and on (%s) topk(10, max_over_time(%s[$__range] @ end()))' % [expr, identity, q.resident],

  ofExporters(expr):: '%s and on (job, instance) jemalloc_exporter_build_info{%s}' % [expr, target],
  ofTargets(expr)::
    expr + ' and on (job, instance) (present_over_time(jemalloc_exporter_build_info{%s}[$__range]) or present_over_time(jemalloc_arenas{%s}[$__range]))'
           % [target, target],

  // How many processes there are of each state.
  states:: [
    [state, 'sum(jemalloc_exporter_processes{%s, state="%s"})' % [target, state]]
    for state in ['used', 'unused', 'unreachable']
  ] + [['embedded', 'count(jemalloc_arenas{%s, comm=""})' % process]],
}
