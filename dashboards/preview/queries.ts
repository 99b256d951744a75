// Runs the queries of the panels, and converts the results to data frames as
// Grafana's Prometheus data source does.
import { DataFrame, Field, FieldType, Labels, toDataFrame } from '@grafana/data';

export interface Range {
  from: number; // In seconds since the epoch.
  to: number;
  step: number;
}

interface Target {
  refId: string;
  expr: string;
  legendFormat?: string;
  instant?: boolean;
  format?: string;
}

interface Series {
  metric: Labels;
  value?: [number, string];
  values?: [number, string][];
}

// The largest heaps are selected in the queries again.
const EVERYTHING: Record<string, string> = {
  job: '.+',
  instance: '.+',
  comm: '.*',
  unit: '.*',
  container: '.*',
  largest_instance: '.+',
  largest_pid: '.*',
};

function expand(expr: string, range: Range) {
  const variables: Record<string, string> = {
    ...EVERYTHING,
    __range: `${range.to - range.from}s`,
    __rate_interval: `${4 * range.step}s`,
  };
  return expr.replace(/\$([a-z_]\w*)/gi, (_, name) => variables[name]);
}

async function get(prometheus: string, path: string, parameters: Record<string, string>) {
  const answer = await fetch(`${prometheus}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const { data, error } = await answer.json();
  if (error) {
    throw new Error(`${error}: ${parameters.query}`);
  }
  return data.result as Series[];
}

export async function series(prometheus: string, target: Target, range: Range) {
  const query = expand(target.expr, range);
  if (target.instant) {
    return get(prometheus, 'query', { query, time: String(range.to) });
  }
  return get(prometheus, 'query_range', {
    query,
    start: String(range.from),
    end: String(range.to),
    step: String(range.step),
  });
}

// As Grafana formats it, with the spaces of absent labels: colours go by name.
export function legend(format: string, labels: Labels) {
  return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '');
}

function samples(one: Series, range: Range) {
  if (one.value) {
    return [[one.value[0] * 1000], [Number(one.value[1])]];
  }
  // A gap is a null, or the line would cross it.
  const known = new Map(one.values!.map(([time, value]) => [time, Number(value)]));
  const times = [];
  for (let time = range.from; time <= range.to; time += range.step) {
    times.push(time);
  }
  return [times.map((time) => time * 1000), times.map((time) => known.get(time) ?? null)];
}

function lines(all: Series[], target: Target, range: Range): DataFrame[] {
  return all.map((one) => {
    const [times, values] = samples(one, range);
    const name = legend(target.legendFormat ?? '', one.metric);
    return toDataFrame({
      refId: target.refId,
      name,
      fields: [
        { name: 'Time', type: FieldType.time, values: times, config: {} },
        {
          name: 'Value',
          type: FieldType.number,
          values,
          labels: one.metric,
          config: { displayNameFromDS: name },
        },
      ],
    });
  });
}

function table(all: Series[], target: Target, only: boolean): DataFrame[] {
  const labels = [...new Set(all.flatMap((one) => Object.keys(one.metric)))];
  const fields: Partial<Field>[] = labels.map((label) => ({
    name: label,
    type: FieldType.string,
    values: all.map((one) => one.metric[label] ?? ''),
    config: {},
  }));
  fields.unshift({
    name: 'Time',
    type: FieldType.time,
    values: all.map((one) => one.value![0] * 1000),
    config: {},
  });
  fields.push({
    name: only ? 'Value' : `Value #${target.refId}`,
    type: FieldType.number,
    values: all.map((one) => Number(one.value![1])),
    config: {},
  });
  return [toDataFrame({ refId: target.refId, fields: fields as Field[] })];
}

export async function frames(prometheus: string, targets: Target[], range: Range) {
  const answers = await Promise.all(targets.map((target) => series(prometheus, target, range)));
  return answers.flatMap((all, i) =>
    targets[i].format === 'table'
      ? table(all, targets[i], targets.length === 1)
      : lines(all, targets[i], range)
  );
}
