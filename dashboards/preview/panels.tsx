// Draws a panel of the dashboard with Grafana's published components.
import React from 'react';
import { lastValueFrom } from 'rxjs';
import {
  applyFieldOverrides,
  DataFrame,
  dateTime,
  Field,
  FieldConfigPropertyItem,
  FieldConfigSource,
  FieldType,
  getDisplayValueAlignmentFactors,
  getFieldDisplayName,
  getFieldDisplayValues,
  GrafanaTheme2,
  Registry,
  standardTransformers,
  standardTransformersRegistry,
  TimeRange,
  transformDataFrame,
  TransformerRegistryItem,
  VizOrientation,
} from '@grafana/data';
import { BarGauge, BigValue, TimeSeries, UPlotConfigBuilder, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { Range } from './queries';

export interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig: FieldConfigSource;
  options: any;
  targets: any[];
  transformations: any[];
  panels?: Panel[];
}

interface Mark {
  time: number;
  color: string;
}

standardTransformersRegistry.setInit(() =>
  [
    standardTransformers.mergeTransformer,
    standardTransformers.filterFieldsByNameTransformer,
    standardTransformers.organizeFieldsTransformer,
    standardTransformers.orderFieldsTransformer,
    standardTransformers.renameFieldsTransformer,
    standardTransformers.filterFieldsTransformer,
  ].map(
    (transformer) =>
      ({
        id: transformer.id,
        name: transformer.id,
        transformation: async () => transformer,
      }) as unknown as TransformerRegistryItem
  )
);

// What may be set in defaults and overrides: everything that the panel sets.
function properties({ defaults, overrides }: FieldConfigSource) {
  const { custom = {}, ...standard } = defaults;
  const ids = new Set([
    ...Object.keys(standard),
    ...Object.keys(custom).map((key) => `custom.${key}`),
    ...overrides.flatMap((override) => override.properties.map(({ id }) => id)),
  ]);
  const items = [...ids].map((id) => ({
    id,
    path: id.replace(/^custom\./, ''),
    name: id,
    isCustom: id.startsWith('custom.'),
    process: (value: unknown) => value,
    // As in Grafana: the label is that of the axis of values.
    shouldApply: ({ type }: Field) => id !== 'custom.axisLabel' || type !== FieldType.time,
  }));
  return new Registry(() => items as unknown as FieldConfigPropertyItem[]);
}

// Restarts: a dashed line from top to bottom.
function mark(builder: UPlotConfigBuilder, marks: Mark[]) {
  builder.addHook('draw', (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.setLineDash([4, 4]);
    for (const { time, color } of marks) {
      const x = plot.valToPos(time, 'x', true);
      if (x >= bbox.left && x <= bbox.left + bbox.width) {
        ctx.strokeStyle = color;
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
      }
    }
    ctx.restore();
  });
  return null;
}

export class Painter {
  constructor(
    private theme: GrafanaTheme2,
    private range: Range,
    private marks: Mark[]
  ) {}

  async prepare(panel: Panel, data: DataFrame[]) {
    const transformed = await lastValueFrom(transformDataFrame(panel.transformations, data));
    const prepared = applyFieldOverrides({
      data: transformed,
      fieldConfig: panel.fieldConfig,
      fieldConfigRegistry: properties(panel.fieldConfig) as any,
      replaceVariables: (text) => text,
      theme: this.theme,
      timeZone: 'utc',
    });
    // A table reads the names of its columns from here.
    for (const frame of prepared) {
      frame.fields.forEach((field) => getFieldDisplayName(field, frame, prepared));
    }
    return prepared;
  }

  draw(panel: Panel, data: DataFrame[], width: number, height: number) {
    if (!data.some((frame) => frame.length)) {
      return <div className="empty">{panel.fieldConfig.defaults.noValue ?? 'No data'}</div>;
    }
    switch (panel.type) {
      case 'timeseries':
        return this.timeseries(panel, data, width, height);
      case 'stat':
        return this.stat(panel, data, width, height);
      case 'bargauge':
        return this.bargauge(panel, data, width, height);
      case 'table':
        return this.table(panel, data, width, height);
      default:
        throw new Error(`no component for a ${panel.type}`);
    }
  }

  private timeRange(): TimeRange {
    const from = dateTime(this.range.from * 1000);
    const to = dateTime(this.range.to * 1000);
    return { from, to, raw: { from, to } };
  }

  private timeseries(panel: Panel, data: DataFrame[], width: number, height: number) {
    return (
      <TimeSeries
        frames={data}
        width={width}
        height={height}
        timeRange={this.timeRange()}
        timeZone="utc"
        legend={panel.options.legend}
      >
        {(builder) => mark(builder, this.marks)}
      </TimeSeries>
    );
  }

  private values(panel: Panel, data: DataFrame[], sparkline: boolean) {
    return getFieldDisplayValues({
      fieldConfig: panel.fieldConfig,
      reduceOptions: panel.options.reduceOptions,
      replaceVariables: (text) => text,
      theme: this.theme,
      data,
      sparkline,
      timeZone: 'utc',
    });
  }

  private stat(panel: Panel, data: DataFrame[], width: number, height: number) {
    const { colorMode, graphMode, justifyMode, textMode, text, orientation } = panel.options;
    const values = this.values(panel, data, graphMode !== 'none');
    return (
      <VizRepeater
        getValues={() => values}
        getAlignmentFactors={getDisplayValueAlignmentFactors}
        renderValue={({ value, alignmentFactors, width, height, count }) => (
          <BigValue
            value={value.display}
            sparkline={value.sparkline}
            alignmentFactors={alignmentFactors}
            theme={this.theme}
            {...{ width, height, count, colorMode, graphMode, justifyMode, textMode, text }}
          />
        )}
        source={data}
        renderCounter={0}
        width={width}
        height={height}
        itemSpacing={3}
        autoGrid
        orientation={orientation as VizOrientation}
      />
    );
  }

  private bargauge(panel: Panel, data: DataFrame[], width: number, height: number) {
    const { displayMode, showUnfilled, valueMode, namePlacement, text } = panel.options;
    const { minVizWidth, minVizHeight, maxVizHeight } = panel.options;
    const values = this.values(panel, data, false);
    return (
      <VizRepeater
        getValues={() => values}
        getAlignmentFactors={getDisplayValueAlignmentFactors}
        renderValue={({ value, alignmentFactors, width, height, orientation }) => (
          <BarGauge
            value={value.display}
            field={value.field}
            theme={this.theme}
            itemSpacing={8}
            lcdCellWidth={12}
            valueDisplayMode={valueMode}
            {...{ width, height, orientation, alignmentFactors }}
            {...{ displayMode, showUnfilled, namePlacement, text }}
          />
        )}
        source={data}
        renderCounter={0}
        width={width}
        height={height}
        itemSpacing={8}
        {...{ minVizWidth, minVizHeight, maxVizHeight }}
        orientation={panel.options.orientation as VizOrientation}
      />
    );
  }

  private table(panel: Panel, [data]: DataFrame[], width: number, height: number) {
    return (
      <TableNG
        data={data}
        width={width}
        height={height}
        cellHeight={panel.options.cellHeight}
        sortBy={panel.options.sortBy}
        fieldConfig={panel.fieldConfig}
        enableVirtualization={false}
      />
    );
  }
}
