# Faults of the history log, for tests/sim/mutants. The simulation of its disk looks for them.

mutant "log: messages take effect before they are kept" src/hub/shard_engine.cc \
  'return ticket != 0 && is_of_engine(ticket) && ticket > kept;' 'return false;'
mutant "log: a batch is answered before it is written" src/server/log_group_writer.cc \
  'int error = appender_.flush();
  const auto& current' 'int error = 0;
  const auto& current'
mutant "log, each: answered before the sync" src/server/log_group_writer.cc \
  'if (options_.sync == HistorySync::kEach) {' 'if (false) {'
mutant "log: epochs go on after a lost end" src/engine/log_recovery.cc \
  'return last_clean || header.boot_id == boot_id || header.mode == HistorySync::kEach;' 'return true;'
mutant "log: a restored copy goes on in its epochs" src/engine/log_recovery.cc \
  'if (!is_itself || header.failed || header.unkept) return false;' 'if (header.failed || header.unkept) return false;'
mutant "log: two futures of a copy have the same epochs" src/server/engine_setup.cc \
  'return recovered_.first_epoch + random % (engine::kLogEpochsPerRun / 2);' 'return recovered_.first_epoch;'
mutant "log: a start does not sync what it has found" src/server/log_loader.cc \
  'if (error == 0) error = file.sync();
    if (error != 0) return error;' 'if (error != 0) return error;'
mutant "log: bad bytes in the middle end the log" src/engine/log_recovery.cc \
  '(header.failed || (may_be_torn && !scan.synced_bytes_are_bad))' 'may_be_torn'
mutant "log: damage does not end the epochs" src/engine/log_recovery.cc \
  'if (number >= new_epochs_from) epochs_in_doubt = true;' ''
mutant "log: what follows bad bytes is taken" src/engine/log_recovery.cc \
  'bytes = bytes.first(bad_at);
    scan = scan_log_segment(file.header.seed, bytes, file.header.size);' ''
mutant "log: a segment with a damaged header was never used" src/engine/log_recovery.cc \
  'if (!log_segment_was_used(file.facts.number, bytes)) {' 'if (true) {'
mutant "log: the directory is not synced at a new segment" src/server/log_appender.cc \
  'if (error == 0 && on_disk) error = directory_.sync();' ''
mutant "log: a new directory is not synced into the one above" src/server/log_directory.cc \
  'return ::fsync(above.fd());' 'return 0;'
mutant "log: a failed segment is not cut" src/server/log_appender.cc \
  'static_cast<void>(file.file().truncate(committed));' 'static_cast<void>(file), static_cast<void>(committed);'
mutant "log: a batch of a former term is written" src/server/log_group_writer.cc \
  'if (has_failed() || batch.term != term_) {' 'if (has_failed()) {'
mutant "log: unkept messages have an epoch of kept ones" src/hub/shard_engine.cc \
  'line.changes.push_back({first, owned_rooms_.new_epoch()});' ''
mutant "log: kept messages have an epoch of unkept ones" src/hub/shard_engine.cc \
  'const bool changes = home.term != term_ && (known || (!keeps_in(term_) && position.seq != 1));' 'const bool changes = false;'
mutant "log: it never tries again" src/server/log_group_writer.cc \
  '} else if (net::monotonic_ms() >= try_again_ms_) {' '} else if (false) {'
mutant "log: from is ignored" src/engine/recovered_rooms.cc \
  'limit = std::min(limit, at->second.from);' ''
mutant "log: compaction drops a live message" src/server/log_compaction.cc \
  'if (!room->is_live(declared.epoch, record.seq)) {' \
  'if (!room->is_live(declared.epoch, record.seq) || record.seq % 8 == 3) {'
mutant "log: compaction unlinks before the sync" src/server/log_compaction.cc \
  'return current->number() != target_segment_ || current->synced() >= target_length_;' \
  'return current != nullptr;'
mutant "log: compaction forgets removals" src/server/log_compaction.cc \
  'if (record.removed || room->is_removed(record.seq)) {' 'if (record.removed) {'
mutant "log: compaction does not tell the limits of a room" src/server/log_compaction.cc \
  'return is_missed ? appender_.declare_again(*room) : 0;' 'return is_missed ? 0 : 0;'
mutant "log: compaction leaves out the dropped record" src/server/log_compaction.cc \
  'const int error = appender_.dropped(segment_);' 'const int error = 0;'
mutant "log: a removal is not written" src/server/log_group_writer.cc \
  'return appender_.removal(*room, entry.position.seq, all_before);' 'return 0;'
mutant "log: the clean end is not marked" src/server/log_group_writer.cc \
  'appender_.begin_group();
    error = appender_.end();' 'error = appender_.end();'
