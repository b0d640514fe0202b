import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.tuple.Tuple4;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * The earliest time of each kind by leg, in keyed state in memory: a part of what the tracker knows, and nothing kept.
 *
 * <p>Arguments: broker, topic, number of its events, parallelism, file of the schema. Prints the rate from the first event on.
 */
public class Job {
  static final AtomicLong READ = new AtomicLong();
  static final AtomicLong DONE = new AtomicLong();
  static final AtomicLong FIRST = new AtomicLong();
  static final String[] NEEDED = {"kind", "occurred_at", "leg", "next_leg"};
  static final int HANDED = 7;
  static long events;

  /** Reads what is needed of an event, and no more of it than that. */
  static class Decode implements KafkaRecordDeserializationSchema<Tuple4<Long, Long, Integer, Long>> {
    final String written;
    transient GenericDatumReader<GenericRecord> reader;
    transient Schema kinds;
    transient BinaryDecoder decoder;
    transient GenericRecord record;

    Decode(String written) {
      this.written = written;
    }

    private void prepare() {
      Schema all = new Schema.Parser().parse(written);
      List<Schema.Field> some = new ArrayList<>();
      for (String name : NEEDED) some.add(new Schema.Field(name, all.getField(name).schema(), null, null));
      kinds = all.getField("kind").schema();
      reader =
          new GenericDatumReader<>(all, Schema.createRecord(all.getName(), null, all.getNamespace(), false, some));
    }

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> one, Collector<Tuple4<Long, Long, Integer, Long>> out)
        throws IOException {
      if (reader == null) prepare();
      if (READ.getAndIncrement() == 0) FIRST.set(System.nanoTime());
      byte[] value = one.value();
      decoder = DecoderFactory.get().binaryDecoder(value, 5, value.length - 5, decoder);
      record = reader.read(record, decoder);
      long at = (Long) record.get(1);
      ByteBuffer leg = (ByteBuffer) record.get(2), next = (ByteBuffer) record.get(3);
      if (next != null) out.collect(Tuple4.of(next.getLong(0), next.getLong(8), HANDED, at));
      int kind = kinds.getEnumOrdinal(record.get(0).toString());
      out.collect(Tuple4.of(leg.getLong(0), leg.getLong(8), -1 - kind, at));
    }

    @Override
    public TypeInformation<Tuple4<Long, Long, Integer, Long>> getProducedType() {
      return Types.TUPLE(Types.LONG, Types.LONG, Types.INT, Types.LONG);
    }
  }

  /** Joins each time into its leg's row; events themselves are negative, since they are counted. */
  static class Fold extends KeyedProcessFunction<Tuple2<Long, Long>, Tuple4<Long, Long, Integer, Long>, Long> {
    transient ValueState<long[]> state;

    @Override
    public void open(OpenContext context) {
      TypeInformation<long[]> row = PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO;
      state = getRuntimeContext().getState(new ValueStateDescriptor<>("leg", row));
    }

    @Override
    public void processElement(Tuple4<Long, Long, Integer, Long> one, Context context, Collector<Long> out)
        throws Exception {
      long[] row = state.value();
      if (row == null) {
        row = new long[HANDED + 1];
        Arrays.fill(row, Long.MAX_VALUE);
      }
      int column = one.f2 < 0 ? Math.min(-1 - one.f2, HANDED - 1) : HANDED;
      row[column] = Math.min(row[column], one.f3);
      state.update(row);
      if (one.f2 < 0 && DONE.incrementAndGet() == events) {
        System.out.printf("RATE %.0f%n", events / ((System.nanoTime() - FIRST.get()) / 1e9));
        System.out.flush();
        Runtime.getRuntime().halt(0);
      }
    }
  }

  public static void main(String[] given) throws Exception {
    events = Long.parseLong(given[2]);
    Configuration settings = new Configuration();
    settings.set(StateBackendOptions.STATE_BACKEND, "hashmap");
    StreamExecutionEnvironment job =
        StreamExecutionEnvironment.createLocalEnvironment(Integer.parseInt(given[3]), settings);
    job.getConfig().enableObjectReuse();
    KafkaSource<Tuple4<Long, Long, Integer, Long>> source =
        KafkaSource.<Tuple4<Long, Long, Integer, Long>>builder()
            .setBootstrapServers(given[0])
            .setTopics(given[1])
            .setGroupId("bench-flink-" + ProcessHandle.current().pid())
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setDeserializer(new Decode(Files.readString(Path.of(given[4]))))
            .build();
    KeySelector<Tuple4<Long, Long, Integer, Long>, Tuple2<Long, Long>> leg =
        new KeySelector<>() {
          @Override
          public Tuple2<Long, Long> getKey(Tuple4<Long, Long, Integer, Long> one) {
            return Tuple2.of(one.f0, one.f1);
          }
        };
    job.fromSource(source, WatermarkStrategy.noWatermarks(), "events")
        .keyBy(leg, Types.TUPLE(Types.LONG, Types.LONG))
        .process(new Fold())
        .sinkTo(new DiscardingSink<>());
    job.execute();
  }
}
