// The panel types of jemalloc.jsonnet, with the properties that they share.
local datasource = { type: 'prometheus', uid: '${datasource}' };

// One colour for each thing, wherever it is drawn.
local color = {
  live: '#73BF69',
  large: '#37872D',
  fragmentation: '#FF9830',
  padding: '#FFCB7D',
  retention: '#B877D9',
  metadata: '#705DA0',
  muzzy: '#DEB6F2',
  foreign: '#6ED0E0',
  active: '#FADE2A',
  resident: '#5794F2',
  mapped: '#9FA7B3',
  rss: '#F2495C',
  arenas: '#F29191',
};

local fixed(color) = { mode: 'fixed', fixedColor: color };

local override(name, properties) = {
  matcher: { id: 'byName', options: name },
  properties: [{ id: id, value: properties[id] } for id in std.objectFields(properties)],
};

local panel(type, title, description, unit, targets) = {
  type: type,
  title: title,
  description: description,
  datasource: datasource,
  targets: [
    { datasource: datasource, editorMode: 'code', refId: std.char(std.codepoint('A') + i) } + targets[i]
    for i in std.range(0, std.length(targets) - 1)
  ],
  fieldConfig: {
    defaults: {
      unit: unit,
      noValue: 'nothing to show',
      color: fixed('text'),
      thresholds: { mode: 'absolute', steps: [{ color: 'text', value: null }] },
    },
    overrides: [],
  },
  options: {},
  transformations: [],
};

local lastValue = { calcs: ['lastNotNull'], fields: '', values: false };

{
  // A query over the time range of the dashboard, and one at its end.
  range(expr, legend):: { expr: expr, legendFormat: legend, range: true, instant: false },
  instant(expr, legend=''):: { expr: expr, legendFormat: legend, range: false, instant: true },
  row(expr):: { expr: expr, range: false, instant: true, format: 'table' },

  // One number, with its history below it and its name beside it.
  stat(title, description, unit, color, targets):: panel('stat', title, description, unit, targets) {
    fieldConfig+: { defaults+: { color: fixed(color) } },
    options: {
      reduceOptions: lastValue,
      colorMode: 'value',
      graphMode: 'area',
      justifyMode: 'auto',
      orientation: 'auto',
      textMode: 'value_and_name',
      text: { titleSize: 12, valueSize: 24 },
    },
  },

  // Lines over time. Their colours go by name, so that a process has the same
  // one in every panel.
  timeseries(title, description, unit, targets):: panel('timeseries', title, description, unit, targets) {
    fieldConfig+: {
      defaults+: {
        color: { mode: 'palette-classic-by-name' },
        custom: {
          drawStyle: 'line',
          lineInterpolation: 'linear',
          lineWidth: 2,
          fillOpacity: 0,
          gradientMode: 'none',
          showPoints: 'never',
          spanNulls: false,
          axisPlacement: 'auto',
          axisLabel: '',
          scaleDistribution: { type: 'linear' },
          stacking: { mode: 'none', group: 'A' },
          thresholdsStyle: { mode: 'off' },
        },
      },
    },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  },

  // One line for each process, the largest first in the legend.
  processes(title, description, unit, expr):: self.timeseries(title, description, unit, [
    self.range(expr, '{{comm}} {{pid}} {{instance}}'),
  ]) {
    options+: {
      legend: {
        displayMode: 'table',
        placement: 'bottom',
        showLegend: true,
        calcs: ['lastNotNull', 'max'],
        sortBy: 'Last *',
        sortDesc: true,
      },
    },
  },

  bargauge(title, description, unit, color, targets):: panel('bargauge', title, description, unit, targets) {
    fieldConfig+: { defaults+: { color: fixed(color), min: 0 } },
    options: {
      reduceOptions: lastValue,
      displayMode: 'basic',
      orientation: 'horizontal',
      valueMode: 'color',
      namePlacement: 'left',
      showUnfilled: true,
      // A single bar would fill the panel, and its name would not fit.
      sizing: 'manual',
      minVizWidth: 8,
      minVizHeight: 10,
      maxVizHeight: 26,
      text: { titleSize: 12, valueSize: 18 },
    },
  },

  // Columns come as [field, title, properties of the field]. Fields that have
  // no column are left out.
  table(title, description, unit, targets, columns, sortBy):: panel('table', title, description, unit, targets) {
    local fields = [column[0] for column in columns],
    fieldConfig+: {
      defaults+: {
        noValue: '–',
        custom: { align: 'auto', cellOptions: { type: 'auto' }, inspect: false, filterable: false },
      },
      overrides: [override(column[1], column[2]) for column in columns if column[2] != {}],
    },
    options: {
      cellHeight: 'sm',
      showHeader: true,
      sortBy: [{ displayName: sortBy, desc: true }],
    },
    transformations: [
      { id: 'merge', options: {} },
      { id: 'filterFieldsByName', options: { include: { names: fields } } },
      {
        id: 'organize',
        options: {
          excludeByName: {},
          indexByName: { [fields[i]]: i for i in std.range(0, std.length(fields) - 1) },
          renameByName: { [column[0]]: column[1] for column in columns },
        },
      },
    ],
  },

  // Properties of a column of labels, and of one of numbers of a certain width.
  label:: { unit: 'string', noValue: '–' },
  wide(width):: { 'custom.width': width },

  colored(colors):: { fieldConfig+: { overrides+: [override(name, { color: fixed(colors[name]) }) for name in std.objectFields(colors)] } },
  styled(name, properties):: { fieldConfig+: { overrides+: [override(name, properties)] } },
  // The text of a panel whose series a target does not export.
  absent(text):: { fieldConfig+: { defaults+: { noValue: text } } },
  // The same for a set of series that the exporter can leave out.
  collector(name):: self.absent('not exported: --collector.%s is off, or the agent is too old' % name),
  defaults(properties):: { fieldConfig+: { defaults+: properties } },
  custom(properties):: { fieldConfig+: { defaults+: { custom+: properties } } },
  options(properties):: { options+: properties },

  // Green below the first limit; from each [value, color] on, that colour.
  steps(limits):: {
    mode: 'absolute',
    steps: [{ color: 'green', value: null }] + [{ color: limit[1], value: limit[0] } for limit in limits],
  },

  // Lines over time with a dashed one at what is too much.
  limited(limit):: self.defaults({ thresholds: $.steps([[limit, 'red']]) }) + self.custom({ thresholdsStyle: { mode: 'dashed' } }),

  // Panels from left to right and from top to bottom: rows of [width, panel],
  // all of one height. Returns them with their positions, and the next free one. Locals,
  // because jsonnet computes a field anew each time that it is read.
  arrange(rows, top=0)::
    std.foldl(
      function(above, row) (
        local top = above.y;
        local widths = [cell[0] for cell in row.cells];
        local left(i) = std.foldl(function(a, b) a + b, widths[:i], 0);
        local panels = above.panels + [
          row.cells[i][1] { gridPos: { x: left(i), y: top, w: widths[i], h: row.height } }
          for i in std.range(0, std.length(row.cells) - 1)
        ];
        { y: top + row.height, panels: panels }
      ),
      rows,
      { y: top, panels: [] }
    ),

  datasource:: datasource,
  color:: color,
  stateColors:: { used: color.live, unused: color.mapped, unreachable: color.rss, embedded: color.resident },
}
