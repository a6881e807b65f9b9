ALTER TABLE jobs ADD COLUMN picture INTEGER;  -- of an upscaling: which one of the parent's pictures, where it has several
UPDATE jobs SET picture = request ->> 'pick'
WHERE kind = 'upscale' AND (SELECT source.request ->> 'pick' FROM jobs AS source WHERE source.id = jobs.parent) IS NULL;
