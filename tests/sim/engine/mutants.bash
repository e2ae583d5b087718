# Faults of the engine on Redis, for tests/sim/mutants. The simulation of nodes looks for them.

mutant "engine: a room is not opened again on a new link" src/engine/redis_lanes.cc \
  'if (each->may_be_placed() && !up.same_server) each->doubtful = true;
    }
    begin_again(room);' 'if (each->may_be_placed() && !up.same_server) each->doubtful = true;
    }
    if (room.state == State::kOpening) {
      begin_again(room);
    } else {
      link.send_unanswered({"SSUBSCRIBE", room.key});
      room.subscribed = true;
      sink_.opened(*room.home, room.last, {});
      became_live(room);
    }'
mutant "engine: the former connection is not killed" src/engine/redis_link.cc \
  '{"CLIENT", "KILL", "ID", Decimal{id}}' '{"CLIENT", "KILL", "ID", Decimal{id + (std::uint64_t{1} << 40)}}'
mutant "engine: a room is read before it is subscribed" src/engine/redis_catch_up.cc \
  '  link.send_unanswered({"SSUBSCRIBE", room.key});
  room.subscribed = true;
  link.send_script(tag_of(room, Ask::kOpen), Script::kOpen, room.key,
                   {Decimal(room.seen.epoch), Decimal(room.seen.seq), Decimal(ttl_ms(room)),
                    Decimal(link.server().replid_bits)});' \
  '  room.subscribed = true;
  link.send_script(tag_of(room, Ask::kOpen), Script::kOpen, room.key,
                   {Decimal(room.seen.epoch), Decimal(room.seen.seq), Decimal(ttl_ms(room)),
                    Decimal(link.server().replid_bits)});
  link.send_unanswered({"SSUBSCRIBE", room.key});'
mutant "engine: a hole in the pushes is ignored" src/engine/redis_arrivals.cc \
  'if (first->epoch != room.last.epoch || first->seq != room.last.seq + 1) {' \
  'if (first->epoch != room.last.epoch || first->seq <= room.last.seq) {'
mutant "engine: an own message is not found after a loss" src/engine/redis_arrivals.cc \
  'head.node == settings_.node ? room.batches.find(head.counter) : nullptr;' \
  'head.node == settings_.node && room.follows() ? room.batches.find(head.counter) : nullptr;'
mutant "engine: a join that is ahead does not wait for the barrier" src/engine/redis_rooms.cc \
  'const std::uint64_t name = requests_ + 1;
  link_of(room)->send_script(' 'for (; room.checks != 0; --room.checks) sink_.checked(*room.home);
  if (room.checks == 0) return;
  const std::uint64_t name = requests_ + 1;
  link_of(room)->send_script('
mutant "engine: the history stays at a gap" src/hub/shard_order.cc \
  'if (!kept_back && home.history() != nullptr) home.history()->ring.clear();' ''
mutant "engine: a receipt comes by the reply" src/engine/redis_publish.cc \
  'batch->place = *place;' 'batch->place = *place;
    for (; batch->told < batch->tickets.size(); ++batch->told) {
      sink_.placed(*room.home, batch->tickets[batch->told],
                   {place->epoch, place->seq + batch->told});
    }'
mutant "engine: a message is delivered before it has a position" src/engine/redis_publish.cc \
  'batch.state = BatchState::kSent;' 'batch.state = BatchState::kSent;
  for (; batch.told < batch.tickets.size(); ++batch.told) {
    sink_.placed(*room.home, batch.tickets[batch.told],
                 {room.last.epoch, room.last.seq + batch.told + 1});
  }'
mutant "engine: a push that goes back is left out" src/engine/redis_arrivals.cc \
  '    lose(room);
    return;
  }
  const std::string_view text' '    if (first->epoch != room.last.epoch || first->seq > room.last.seq) lose(room);
    return;
  }
  const std::string_view text'
mutant "engine: a lost push is not looked for" src/engine/redis_lanes.cc \
  'find_lost_pushes(room);' ''
mutant "engine: a batch is sent again after a later one" src/engine/redis_publish.cc \
  'if (each->state == BatchState::kRetry) each->state = BatchState::kRefused;' ''
mutant "engine: a message of two epochs is told twice" src/engine/redis_arrivals.cc \
  'const std::uint32_t repeated = repeated_of(recent, first, head);' 'const std::uint32_t repeated = 0;'
mutant "engine: open does not tell which position was seen" src/engine/redis_catch_up.cc \
  '{Decimal(room.seen.epoch), Decimal(room.seen.seq), Decimal(ttl_ms(room)),' \
  '{Decimal(0), Decimal(0), Decimal(ttl_ms(room)),'
mutant "engine: a batch that may be gone is sent again" src/engine/redis_publish.cc \
  'if (each->unfenced || room.trimmed || is_gone || each->told != 0) {' \
  'if (each->unfenced || room.trimmed || each->told != 0) {'
mutant "engine: a batch that may be trimmed is sent again" src/engine/redis_publish.cc \
  'if (each->unfenced || room.trimmed || is_gone || each->told != 0) {' \
  'if (each->unfenced || is_gone || each->told != 0) {'
mutant "engine: a channel that was taken away is not noticed" src/engine/redis_rooms.cc \
  '    redirected(*room, {});
  } else {
    lose(*room);
  }' '  }'
mutant "engine: scripts are not loaded again" src/engine/redis_publish.cc \
  'if (node.text.starts_with("NOSCRIPT")) need_scripts(*room.lane);' ''
mutant "engine: publishes trim what others need" src/engine/redis_publish.cc \
  'std::max<std::uint64_t>(room.home->config().history.messages, settings_.backlog) +' \
  'std::min<std::uint64_t>(4, settings_.backlog) +'
mutant "engine: pages end early" src/engine/redis_catch_up.cc \
  '  if (page.ended() || page.entries() == 0) {
    read_ended(room);' '  if (page.entries() < 3) {
    read_ended(room);'
mutant "engine: a reply of an earlier request is taken" src/engine/redis_rooms.cc \
  'if (current) open_replied(*room, reply);' 'open_replied(*room, reply);'
mutant "engine: an unknown outcome is told as a refusal" src/engine/redis_publish.cc \
  '    case BatchState::kSent:
    case BatchState::kConfirmed:' '    case BatchState::kSent:
      return PublishFailure::kRefused;
    case BatchState::kConfirmed:'

# In a cluster.
mutant "engine: MOVED refuses a message" src/engine/redis_lanes.cc \
  'batch->state = OwnBatch::State::kRetry;
  --batch->tries;' 'batch->state = OwnBatch::State::kRefused;
  fail_refused(room);'
mutant "engine: MOVED is taken for a position" src/engine/redis_lanes.cc \
  'batch->state = OwnBatch::State::kRetry;
  --batch->tries;' 'batch->state = OwnBatch::State::kRetry;
  for (; batch->told < batch->tickets.size(); ++batch->told) {
    sink_.placed(*room.home, batch->tickets[batch->told],
                 {room.last.epoch, room.last.seq + batch->told + 1});
  }'
mutant "engine: a room moves before its replies have come" src/engine/redis_lanes.cc \
  'if (room.unanswered != 0) {
    room.retry_at_ms' 'if (room.key.empty()) {
    room.retry_at_ms'
mutant "engine: a room moves without being opened" src/engine/redis_lanes.cc \
  '  tell_lost(room);
  report_.redirected();' '  report_.redirected();
  if (room.state == State::kLive && room.unanswered == 0 && lane_for(room) != room.lane) {
    leave_queue(room);
    leave_lists(room);
    room.lane = lane_for(room);
    if (room.lane != nullptr) list_to_publish(room);
    return;
  }
  tell_lost(room);'
mutant "engine: pages of a room that has moved stay counted" src/engine/redis_rooms.cc \
  '    --lane.pages_out;' '    if (room_of(tag.room) != nullptr && room_of(tag.room)->lane == &lane) --lane.pages_out;'
mutant "engine: an older view of the slots wins" src/engine/slot_table.cc \
  'epoch >= masters_[owner].config_epoch ||' 'epoch != 0 ||'
mutant "engine: the state of the cluster is ignored" src/engine/redis_handshake.cc \
  'if (state == "ok") return true;' 'if (!state.empty()) return true;'
mutant "engine: a slot without a master is not missed" src/engine/redis_engine.cc \
  'return (!cluster_ || cluster_->slots().complete()) &&' 'return true &&'
mutant "engine: a slot that goes to another master is not noticed" src/engine/redis_lanes.cc \
  'if (rooms_[i] != nullptr && lane_for(*rooms_[i]) != rooms_[i]->lane) lose(*rooms_[i]);' ''
mutant "engine: a message is sent without its key" src/engine/redis_publish.cc \
  'if (batch.key != nullptr) {
      const std::string once' 'if (batch.key != nullptr && batch.key->text.empty()) {
      const std::string once'
mutant "engine: a repeated message is told as placed by a lower position" src/engine/redis_publish.cc \
  '    batch.place = *place;
    room.see(*place);' '    batch.place = {place->epoch, place->seq - 1};
    room.see(*place);'
